import { inspect } from 'node:util'

/**
 * Everything that a value shows when it is printed, logged or inspected: its text, its JSON, its
 * properties, and its causes with their properties.
 */
export const textOf = (value: unknown): string => {
  const texts: string[] = []
  const seen = new Set<unknown>()
  const look = (part: unknown): void => {
    if (typeof part === 'string') texts.push(part)
    if (part instanceof Uint8Array) texts.push(Buffer.from(part).toString('latin1'))
    if (typeof part !== 'object' || part === null || seen.has(part)) return
    seen.add(part)
    if (part instanceof Error) texts.push(String(part), part.stack ?? '')
    if (part instanceof Map) for (const entry of part) look(entry)
    for (const key of Reflect.ownKeys(part)) {
      texts.push(String(key))
      const { value: held } = Reflect.getOwnPropertyDescriptor(part, key) ?? {}
      if (!(part instanceof Uint8Array)) look(held)
    }
  }
  look(value)
  texts.push(inspect(value, { depth: Infinity, showHidden: true, maxStringLength: null }))
  return texts.join('\n')
}
