/** What the process that is measured is started with. */
export interface MemoryOptions {
  /** Where the server listens, on every address of 127.0.0.0/8. */
  readonly port: number
  readonly services: number
  readonly instancesPerService: number
  readonly requestsPerService: number
}

/** What was measured at one moment. */
export interface MemorySample {
  readonly heapMiB: number
  readonly pools: number
}

/** What was measured. */
export interface MemoryReport {
  /** All services are watched. */
  readonly before: MemorySample
  /** After the requests. */
  readonly used: MemorySample
  /** After every instance was replaced. */
  readonly after: MemorySample
}
