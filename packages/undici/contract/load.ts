import { Child, pace } from '@sd/calling-tests'

/** The options of a load process. */
export interface LoadOptions {
  /** The URL of the registry. */
  readonly url: string
  /** Concurrent requests; every second caller posts. */
  readonly callers: number
  readonly retry: boolean
}

/** A request that failed. */
export interface LoadFailure {
  readonly method: string
  readonly message: string
  readonly instance: string | undefined
}

/** The results of the requests. */
export interface LoadReport {
  readonly ok: number
  readonly failed: readonly LoadFailure[]
  readonly slowestMs: number
  readonly retries: number
  /** Open pools: at the end, those of the remaining instances. */
  readonly pools: number
}

/** Starts a process that calls the service `orders` until it is asked to `end`. */
export const startLoad = (options: LoadOptions): Promise<Child> =>
  Child.start(new URL('load-process.ts', import.meta.url), { ...options, ...pace })
