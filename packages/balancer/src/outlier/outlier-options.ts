/** Ejects those whose success rate is far below the others'. */
export interface SuccessRateOptions {
  /** How many standard deviations below the mean. 0…100, default 1.9. */
  readonly stdevFactor?: number | undefined
  /** With fewer instances that had `minCalls` nobody is ejected. Default 5. */
  readonly minInstances?: number | undefined
  /** Instances with fewer calls in an interval are not looked at. Default 100. */
  readonly minCalls?: number | undefined
}

/** Ejects those that fail more often than a fixed percentage. */
export interface FailurePercentageOptions {
  /** Above this. 0…100, default 85. */
  readonly thresholdPercent?: number | undefined
  /** With fewer instances that had `minCalls` nobody is ejected. Default 5. */
  readonly minInstances?: number | undefined
  /** Instances with fewer calls in an interval are not looked at. Default 50. */
  readonly minCalls?: number | undefined
}

/**
 * How instances that fail are taken out for a while. The defaults are those of gRFC A50, for
 * consecutive errors and panic those of Envoy.
 */
export interface OutlierOptions {
  /** How often rates are looked at, and ejections ended. Default 10,000 ms. */
  readonly intervalMs?: number | undefined
  /** How long the first ejection lasts; the n-th in a row n times as long. Default 30,000 ms. */
  readonly baseEjectionMs?: number | undefined
  /** How long one lasts at most. Default 300,000 ms, or `baseEjectionMs` where that is longer. */
  readonly maxEjectionMs?: number | undefined
  /** Nobody is ejected while so many percent are; above 0, one always may be. Default 10. */
  readonly maxEjectionPercent?: number | undefined
  /**
   * With less than so many percent of the instances left, ejections are ignored: rather a failing
   * instance than the whole load on a few. Default 50; 0 turns it off.
   */
  readonly panicPercent?: number | undefined
  /** Ejects at the n-th failed call in a row, at once. Default 5; `false` turns it off. */
  readonly consecutiveErrors?: number | false | undefined
  /** Default: on, with its defaults; `false` turns it off. */
  readonly successRate?: SuccessRateOptions | false | undefined
  /** Default: on, with its defaults; `false` turns it off. */
  readonly failurePercentage?: FailurePercentageOptions | false | undefined
}

type Filled<T> = { readonly [Key in keyof T]-?: Exclude<T[Key], undefined> }

/** `OutlierOptions` with every default filled in. */
export interface ResolvedOutlier extends Omit<
  Filled<OutlierOptions>,
  'successRate' | 'failurePercentage'
> {
  readonly successRate: Filled<SuccessRateOptions> | false
  readonly failurePercentage: Filled<FailurePercentageOptions> | false
}
