/** How fast each caller of a load calls. */
export interface Pace {
  /** Between an answer and the next call of the same caller. */
  readonly pauseMs: number
}

/**
 * Twenty callers make about three hundred calls a second and leave processors to the files beside theirs.
 * With `SD_LONG_TESTS=1` they do not pause.
 */
export const pace: Pace = { pauseMs: process.env['SD_LONG_TESTS'] === '1' ? 0 : 50 }
