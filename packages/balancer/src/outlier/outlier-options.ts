/** Ejects instances whose success rate is far below that of the others. */
export interface SuccessRateOptions {
  /** How many standard deviations below the mean. 0…100, default 1.9. */
  readonly stdevFactor?: number | undefined
  /** Ejects none while fewer instances had `minCalls` calls. Default 5. */
  readonly minInstances?: number | undefined
  /** Ignores instances with fewer calls in an interval. Default 100. */
  readonly minCalls?: number | undefined
}

/** Ejects instances that fail more often than a fixed percentage. */
export interface FailurePercentageOptions {
  /** Ejects above this percentage. 0…100, default 85. */
  readonly thresholdPercent?: number | undefined
  /** Ejects none while fewer instances had `minCalls` calls. Default 5. */
  readonly minInstances?: number | undefined
  /** Ignores instances with fewer calls in an interval. Default 50. */
  readonly minCalls?: number | undefined
}

/**
 * How instances that fail are ejected for a while. The defaults are those of gRFC A50, and those of
 * Envoy for consecutive errors.
 */
export interface OutlierOptions {
  /** How often rates are computed and ejections end. Default 10,000 ms. */
  readonly intervalMs?: number | undefined
  /**
   * How long the first ejection lasts. The n-th in a row lasts n times as long. Default 30,000 ms.
   */
  readonly baseEjectionMs?: number | undefined
  /** The longest ejection. Default 300,000 ms, or `baseEjectionMs` if that is longer. */
  readonly maxEjectionMs?: number | undefined
  /** Ejects no more while this percentage is ejected; above 0, one always may be. Default 10. */
  readonly maxEjectionPercent?: number | undefined
  /** Ejects immediately at the n-th failed call in a row. Default 5; `false` turns it off. */
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
