/** How the calls to one instance ended. */
export class CallCounts {
  /** Failed calls since the last that succeeded. */
  failedInARow = 0
  /** Of the present interval. */
  successes = 0
  failures = 0
  /** Of the interval before. */
  lastSuccesses = 0
  lastFailures = 0
  /** How often in a row it was ejected. */
  ejections = 0
  ejectedAtMs: number | undefined

  /** A new interval begins. */
  turn(): void {
    this.lastSuccesses = this.successes
    this.lastFailures = this.failures
    this.successes = 0
    this.failures = 0
  }

  get lastCalls(): number {
    return this.lastSuccesses + this.lastFailures
  }
}
