/** The options of the measured process. */
export interface MemoryOptions {
  /** Where the server listens, on every address of 127.0.0.0/8. */
  readonly port: number
  readonly services: number
  readonly instancesPerService: number
  readonly requestsPerService: number
}

/** One measurement. */
export interface MemorySample {
  readonly heapMiB: number
  readonly pools: number
}

/** The measurements. */
export interface MemoryReport {
  /** With all services watched. */
  readonly before: MemorySample
  /** After the requests. */
  readonly used: MemorySample
  /** After every instance was replaced. */
  readonly after: MemorySample
}
