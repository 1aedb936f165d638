import { Child } from '@sd/calling-tests'
import type { RetryOptions } from '../src/index.ts'

/** What a load process is started with. */
export interface LoadOptions {
  /** Of the registry. */
  readonly url: string
  readonly target: string
  /** Unary calls at a time. */
  readonly callers: number
  /** Streams of 40 messages, 5 ms apart, at a time. */
  readonly streams: number
  readonly retry: boolean | RetryOptions
}

/** What came of the calls. */
export interface LoadReport {
  readonly calls: number
  readonly streams: number
  /** How often each failure was seen. */
  readonly failed: Readonly<Record<string, number>>
  readonly slowestMs: number
}

/** How many failed. */
export const failures = ({ failed }: LoadReport): number =>
  Object.values(failed).reduce((sum, count) => sum + count, 0)

/** Starts a process that calls the service until it is asked to `end`. */
export const startLoad = (options: LoadOptions): Promise<Child> =>
  Child.start(new URL('load-process.ts', import.meta.url), options)
