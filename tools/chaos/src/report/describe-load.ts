import type { TimelineEvent } from '../timeline/timeline-event.ts'

/**
 * How often the machine was too busy for a run, as that excuses what it explains. A process that was
 * frozen on purpose did not run either, and is left out.
 */
export const describeLoad = (events: readonly TimelineEvent[]): string => {
  let count = 0
  let totalMs = 0
  const frozen = new Map<string, number>()
  for (const event of events) {
    if (event.type === 'process-paused') frozen.set(event.process, event.atMs)
    else if (event.type === 'lagged' && (frozen.get(event.process) ?? -1) < event.sinceMs) {
      count += 1
      totalMs += event.atMs - event.sinceMs
    }
  }
  const used = events.filter((event) => event.type === 'used')
  const overMs = used.reduce((sum, event) => sum + event.overMs, 0)
  const share = overMs === 0 ? 0 : (100 * totalMs) / overMs
  return `the machine was too busy ${count} times for a process, ${share.toFixed(1)} % of the time; an outage that long excuses a violation`
}
