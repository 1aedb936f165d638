import { InvalidArgumentError } from 'commander'

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Parses an option's value, `500ms`, `10s`, `1m` or `1h`, into milliseconds. */
export const readDuration = (text: string): number => {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(digits) * unitsMs[(unit ?? 'ms') as keyof typeof unitsMs]
  // the longest delay that Node's timers support
  if (Number.isFinite(ms) && ms < 2 ** 31) return Math.round(ms)
  throw new InvalidArgumentError('Expected a duration like 500ms, 10s, 1m or 1h.')
}

const steps: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
]

/** Formats an age with its two largest units: `3d4h`, `12m5s`, `7s`. */
export const showAge = (ageMs: number): string => {
  const index = steps.findIndex(([size]) => ageMs >= size)
  if (index < 0) return '0s'
  const shown = steps.slice(index, index + 2).map(([size, unit], place) => {
    const larger = place === 0 ? Infinity : (steps[index]?.[0] ?? Infinity)
    const count = Math.floor((ageMs % larger) / size)
    return place > 0 && count === 0 ? '' : `${count}${unit}`
  })
  return shown.join('')
}
