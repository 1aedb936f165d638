import { Child } from '@sd/calling-tests'

/** What a load process is started with. */
export interface LoadOptions {
  /** Of the registry. */
  readonly url: string
  /** Requests at a time; every second caller posts. */
  readonly callers: number
  readonly retry: boolean
}

/** A request that failed. */
export interface LoadFailure {
  readonly method: string
  readonly message: string
  readonly instance: string | undefined
}

/** What came of the requests. */
export interface LoadReport {
  readonly ok: number
  readonly failed: readonly LoadFailure[]
  readonly slowestMs: number
  readonly retries: number
  /** Pools that are open: after the end, those of instances that are there still. */
  readonly pools: number
}

/** Starts a process that calls the service `orders` until it is asked to `end`. */
export const startLoad = (options: LoadOptions): Promise<Child> =>
  Child.start(new URL('load-process.ts', import.meta.url), options)
