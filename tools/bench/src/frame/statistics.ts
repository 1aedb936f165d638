/** The value below which `share` of the values are, by linear interpolation; `NaN` of none. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  if (below === undefined || above === undefined) return Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** The median. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** What the samples of one side measured. */
export interface Summary {
  readonly median: number
  readonly p99: number
  readonly min: number
  readonly max: number
  /** The number of values. */
  readonly values: number
  /** The median of each sample, in the order of the rounds. */
  readonly medians: readonly number[]
}

/** Summarizes the values of some samples. */
export const summarize = (samples: readonly (readonly number[])[]): Summary => {
  const values = samples.flat()
  return {
    median: median(values),
    p99: quantile(values, 0.99),
    min: values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    max: values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
    values: values.length,
    medians: samples.map(median),
  }
}

/** A ratio of two sides: of the medians of their samples, and the range of the rounds. */
export interface Ratio {
  readonly ratio: number
  readonly lowest: number
  readonly highest: number
}

/** Compares the samples of two sides round by round. */
export const ratioOf = (side: Summary, against: Summary): Ratio => {
  const rounds = side.medians.map((value, round) => value / (against.medians[round] ?? Number.NaN))
  return {
    ratio: median(side.medians) / median(against.medians),
    lowest: Math.min(...rounds),
    highest: Math.max(...rounds),
  }
}
