/** One side of a comparison: runs one round and returns its own timing in milliseconds. */
export type Side = () => Promise<number>

/** The result of a comparison. */
export interface Comparison {
  readonly name: string
  readonly baseMs: number
  readonly otherMs: number
  /** `otherMs / baseMs`, of the medians. */
  readonly ratio: number
  /** Smallest and largest ratio of one round: a wide range indicates a busy machine. */
  readonly spread: readonly [number, number]
  readonly limit: number
}

/** The median. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** The comparison of what both sides took, round by round. */
export const comparisonOf = (
  name: string,
  limit: number,
  base: readonly number[],
  other: readonly number[],
): Comparison => {
  const ratios = other.map((value, index) => value / (base[index] ?? Number.NaN))
  const [baseMs, otherMs] = [median(base), median(other)]
  return {
    name,
    baseMs,
    otherMs,
    ratio: otherMs / baseMs,
    spread: [Math.min(...ratios), Math.max(...ratios)],
    limit,
  }
}

/**
 * Runs both sides in turn, so that other load on the machine affects both alike, and alternates
 * which goes first. The first rounds warm up and do not count.
 */
export const compare = async (
  name: string,
  limit: number,
  base: Side,
  other: Side,
  { rounds = 41, warmUp = 15 }: { readonly rounds?: number; readonly warmUp?: number } = {},
): Promise<Comparison> => {
  const pairs: { base: number; other: number }[] = []
  for (let round = 0; round < rounds + warmUp; round += 1) {
    const otherFirst = round % 2 === 1 ? await other() : undefined
    const baseMs = await base()
    const otherMs = otherFirst ?? (await other())
    if (round >= warmUp) pairs.push({ base: baseMs, other: otherMs })
  }
  return comparisonOf(
    name,
    limit,
    pairs.map((pair) => pair.base),
    pairs.map((pair) => pair.other),
  )
}

/** Formats a comparison as one readable line. */
export const describeComparison = (comparison: Comparison): string => {
  const { name, baseMs, otherMs, ratio, spread, limit } = comparison
  const [low, high] = spread.map((value) => value.toFixed(2))
  const verdict = ratio <= limit ? 'ok' : 'OVER'
  return `${verdict.padEnd(4)} ${ratio.toFixed(2)}× (limit ${limit}×)  ${name}: ${otherMs.toFixed(3)} ms against ${baseMs.toFixed(3)} ms, rounds ${low}–${high}×`
}
