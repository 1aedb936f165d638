import { Child, pace } from '@sd/calling-tests'
import type { RetryOptions } from '../src/index.ts'

/** The options of a load process. */
export interface LoadOptions {
  /** The URL of the registry. */
  readonly url: string
  readonly target: string
  /** Concurrent unary calls. */
  readonly callers: number
  /** Concurrent streams, of 40 messages 5 ms apart. */
  readonly streams: number
  readonly retry: boolean | RetryOptions
}

/** The results of the calls. */
export interface LoadReport {
  readonly calls: number
  readonly streams: number
  /** How often each failure occurred. */
  readonly failed: Readonly<Record<string, number>>
  readonly slowestMs: number
}

/** How many failed. */
export const failures = ({ failed }: LoadReport): number =>
  Object.values(failed).reduce((sum, count) => sum + count, 0)

/** Starts a process that calls the service until it is asked to `end`. */
export const startLoad = (options: LoadOptions): Promise<Child> =>
  Child.start(new URL('load-process.ts', import.meta.url), { ...options, ...pace })
