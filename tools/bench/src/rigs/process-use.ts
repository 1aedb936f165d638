import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { PerformanceObserver } from 'node:perf_hooks'
import { cpuMs } from './time-calls.ts'

/** What a process has used. */
export interface ProcessUse {
  /** CPU time so far. */
  readonly cpuMs: number
  /** The longest pause for garbage collection since the last question. */
  readonly pauseMs: number
}

/** Answers each message of the parent with what this process has used, and ends with the parent. */
export const answerUse = (): void => {
  let pauseMs = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauseMs = Math.max(pauseMs, duration)
  })
  observer.observe({ entryTypes: ['gc'] })
  process.on('disconnect', () => process.exit())
  process.on('message', () => {
    process.send?.({ cpuMs: cpuMs(), pauseMs } satisfies ProcessUse)
    pauseMs = 0
  })
}

/** Asks a child that calls {@link answerUse}. */
export const useOf = async (child: ChildProcess): Promise<ProcessUse> => {
  const answer = once(child, 'message')
  child.send('use')
  const [use] = (await answer) as [ProcessUse]
  return use
}
