import type { TimelineEvent } from '../timeline/timeline-event.ts'
import { boundsOf, type RunSettings } from './bounds.ts'
import { checkEvents } from './check-events.ts'
import { checkLists } from './check-lists.ts'
import { checkProcesses } from './check-processes.ts'
import { checkSettled } from './check-settled.ts'
import { checkTold } from './check-told.ts'
import { checkWinners } from './check-winners.ts'
import { Model } from './model.ts'
import type { Violation } from './violation.ts'

/**
 * All violations of a timeline, in the order of their times. A pure function: a recorded run can be
 * checked again. Events are taken in the order of their times, as processes report them late. What
 * was before `sinceMs` counts, and is not checked again.
 */
export const checkTimeline = (
  events: readonly TimelineEvent[],
  settings: RunSettings,
  sinceMs = 0,
): readonly Violation[] => {
  const timeline = events.toSorted((one, other) => one.atMs - other.atMs)
  const bounds = boundsOf(settings)
  const model = new Model(timeline, bounds)
  const modelAt = (atMs: number): Model =>
    new Model(
      timeline.filter((event) => event.atMs <= atMs),
      bounds,
    )
  return [
    ...checkSettled(timeline, bounds.settledMs, modelAt, sinceMs),
    ...checkLists(model, timeline, sinceMs),
    ...checkTold(model, timeline, sinceMs),
    ...checkEvents(timeline),
    ...checkWinners(model),
    ...checkProcesses(model, timeline),
  ]
    .filter(({ atMs }) => atMs >= sinceMs)
    .toSorted((one, other) => one.atMs - other.atMs)
}
