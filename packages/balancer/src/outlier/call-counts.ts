/** How the calls to one instance ended. */
export class CallCounts {
  /** Failed calls since the last success. */
  failedInARow = 0
  /** In the present interval. */
  successes = 0
  failures = 0
  /** In the previous interval. */
  lastSuccesses = 0
  lastFailures = 0
  /** Ejections in a row; goes down by one in each interval without one. */
  ejections = 0
  ejectedAtMs: number | undefined

  /** Begins a new interval. */
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
