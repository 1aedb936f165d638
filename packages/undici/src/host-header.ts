import type { Dispatcher } from './undici.ts'

type Headers = Dispatcher.DispatchOptions['headers']

const isHost = (name: unknown): boolean =>
  typeof name === 'string'
    ? name.length === 4 && name.toLowerCase() === 'host'
    : Buffer.isBuffer(name) && name.toString('latin1').toLowerCase() === 'host'

/**
 * Adds a Host header in front unless the caller set one: undici would use the address of the
 * instance. Accepts all of undici's forms: an object, a flat list, or pairs. Pairs are copied, as a
 * second try reads them again.
 */
export const withHost = (headers: Headers, host: string): Headers => {
  if (headers === undefined || headers === null) return { host }
  if (Array.isArray(headers)) {
    for (let i = 0; i < headers.length; i += 2) if (isHost(headers[i])) return headers
    return ['host', host, ...headers]
  }
  if (Symbol.iterator in headers) {
    const flat: unknown[] = []
    for (const pair of headers as Iterable<readonly [string, unknown]>) flat.push(pair[0], pair[1])
    return withHost(flat as string[], host)
  }
  for (const name in headers) if (isHost(name)) return headers
  return { host, ...headers }
}

/** Adds or replaces a header, given in lower case, in headers that `withHost` returned. */
export const withHeader = (headers: Headers, name: string, value: string): Headers => {
  if (Array.isArray(headers)) {
    const kept = headers.filter(
      (_, index) => String(headers[index - (index % 2)]).toLowerCase() !== name,
    )
    return [...kept, name, value]
  }
  const kept = Object.entries(headers ?? {}).filter(([key]) => key.toLowerCase() !== name)
  return { ...Object.fromEntries(kept), [name]: value }
}

/** The value of a header by its lower-case name, in headers that `withHost` returned. */
export const headerValue = (headers: Headers, name: string): string | undefined => {
  if (headers === undefined || headers === null) return undefined
  const entries: Iterable<readonly [unknown, unknown]> = Array.isArray(headers)
    ? headers.flatMap((key, index) => (index % 2 === 0 ? [[key, headers[index + 1]] as const] : []))
    : Object.entries(headers)
  for (const [key, value] of entries)
    if (String(key).toLowerCase() === name)
      return Array.isArray(value) ? String(value[0]) : String(value)
  return undefined
}
