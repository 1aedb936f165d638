import type { EventOf, TimelineEvent } from '../timeline/timeline-event.ts'
import type { Bounds } from './bounds.ts'
import type { Handle, Model } from './model.ts'
import { keyOf } from '../timeline/timeline-event.ts'
import type { Violation } from './violation.ts'

/** Over how long calls and processor time are averaged. */
const windowMs = 5_000

/** Nothing repeats without a pause: calls of the backend and processor time are bounded. */
const checkUsage = (timeline: readonly TimelineEvent[], bounds: Bounds): readonly Violation[] => {
  const byProcess = Map.groupBy(
    timeline.filter((event) => event.type === 'used'),
    ({ process }) => process,
  )
  return [...byProcess.values()].flatMap((events) => {
    const violations: Violation[] = []
    let window: EventOf<'used'>[] = []
    for (const event of events) {
      window.push(event)
      const overMs = window.reduce((sum, one) => sum + one.overMs, 0)
      if (overMs < windowMs) continue
      const busy = busyIn(window, overMs, bounds)
      if (busy !== undefined)
        violations.push({
          kind: 'busy-loop',
          guarantee: 'architecture.md, Timing: backoff',
          atMs: event.atMs,
          process: event.process,
          message: `${event.process} ${busy}`,
        })
      window = []
    }
    return violations
  })
}

const busyIn = (
  window: readonly EventOf<'used'>[],
  overMs: number,
  bounds: Bounds,
): string | undefined => {
  const calls = new Map<string, number>()
  for (const one of window)
    for (const [name, count] of Object.entries(one.calls))
      calls.set(name, (calls.get(name) ?? 0) + count)
  const seconds = overMs / 1_000
  const rate = [...calls.values()].reduce((sum, count) => sum + count, 0) / seconds
  if (rate > bounds.callsPerSecond) {
    const most = [...calls].toSorted((one, other) => other[1] - one[1])
    const shown = most.slice(0, 3).map(([name, count]) => `${name} ${(count / seconds).toFixed(0)}`)
    return `made ${rate.toFixed(0)} calls of the backend a second for ${seconds.toFixed(1)} s (${shown.join(', ')}); at most ${bounds.callsPerSecond.toFixed(0)}`
  }
  const share = window.reduce((sum, one) => sum + one.cpuMs, 0) / overMs
  if (share <= bounds.cpuShare) return undefined
  return `used ${(share * 100).toFixed(0)} % of a processor for ${seconds.toFixed(1)} s; at most ${bounds.cpuShare * 100} %`
}

/** A process ends only when it is killed or leaves, and then within its deadline (R11). */
const checkEnds = (model: Model, timeline: readonly TimelineEvent[]): readonly Violation[] => {
  const { closeTimeoutMs, slackMs } = model.bounds
  return timeline.flatMap((event): readonly Violation[] => {
    if (event.type !== 'process-ended') return []
    const { process, atMs, how, stderr } = event
    const client = model.clients.get(process)
    if (client === undefined || client.killedMs < Infinity) return []
    if (client.leavingMs === Infinity || how !== 'exit 0')
      return [
        {
          kind: 'process-ended',
          guarantee: client.leavingMs === Infinity ? 'R5' : 'R11',
          atMs,
          process,
          message: `${process} ended by itself with ${how}: ${stderr}`,
        },
      ]
    const tookMs = atMs - client.closingMs
    if (tookMs <= closeTimeoutMs + slackMs) return []
    return [
      {
        kind: 'slow-close',
        guarantee: 'R11',
        atMs,
        process,
        message: `${process} took ${(tookMs / 1_000).toFixed(1)} s to close and end; at most closeTimeoutMs, ${closeTimeoutMs / 1_000} s`,
      },
    ]
  })
}

/** No call fails for good because of a fault, and no watch ends. */
const checkFailures = (model: Model, timeline: readonly TimelineEvent[]): readonly Violation[] => {
  const failed = [...model.handles.values()].flatMap((handle): readonly Violation[] => {
    const atMs = handle.failedMs
    if (atMs === Infinity || isExpectedEnd(model, handle, handle.failure)) return []
    return [
      {
        kind: 'wrong-failure',
        guarantee: 'R5, R8',
        atMs,
        key: keyOf(handle),
        process: handle.process,
        message: `handle ${handle.number} of ${handle.process} (${keyOf(handle)}) failed for good: ${handle.failure}`,
      },
    ]
  })
  const ended = timeline.flatMap((event): readonly Violation[] => {
    if (event.type !== 'watch-ended' || event.cause === undefined) return []
    const { atMs, process, watcher, cause } = event
    return [
      {
        kind: 'wrong-failure',
        guarantee: 'W4',
        atMs,
        process,
        watcher,
        message: `${watcher} ended: ${cause}`,
      },
    ]
  })
  return [...failed, ...ended]
}

/** The calls of a process that closes its registry are rejected with `closed`. */
const isExpectedEnd = (model: Model, { process }: Handle, failure: string | undefined): boolean =>
  failure === 'closed' && (model.clients.get(process)?.leavingMs ?? Infinity) < Infinity

/** What the processes used, how they ended, and what failed for good. */
export const checkProcesses = (
  model: Model,
  timeline: readonly TimelineEvent[],
): readonly Violation[] => [
  ...checkUsage(timeline, model.bounds),
  ...checkEnds(model, timeline),
  ...checkFailures(model, timeline),
]
