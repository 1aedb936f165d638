import { type EventOf, keyOf, type TimelineEvent } from '../timeline/timeline-event.ts'
import { blinkExcuse, isContested } from './blink-excuse.ts'
import type { Handle, Model } from './model.ts'
import { showMs } from './show-time.ts'
import type { Violation } from './violation.ts'

/** R1 and R4: a list shows what was registered, unless an outage may have removed it. */
const missingFrom = (model: Model, event: EventOf<'listed'>): readonly Violation[] => {
  const shown = new Set(event.instances.map(keyOf))
  return (model.byService.get(event.service) ?? []).flatMap((handle): readonly Violation[] => {
    if (shown.has(keyOf(handle)) || !isStanding(model, handle, event.startedMs, event.atMs))
      return []
    if (isContested(model, handle, event.startedMs, event.atMs)) return []
    if (blinkExcuse(model, handle, event.startedMs, event.atMs) !== undefined) return []
    return [
      {
        kind: 'missing',
        guarantee: 'R1, R4',
        atMs: event.atMs,
        key: keyOf(handle),
        process: handle.process,
        message: `a list by ${event.process} lacks ${keyOf(handle)}, which ${handle.process} has held since ${showMs(handle.registeredMs)} (handle ${handle.number})`,
      },
    ]
  })
}

/** Whether the owner was told `registered` before the interval, and wanted it to its end. */
export const isStanding = (model: Model, handle: Handle, fromMs: number, toMs: number): boolean =>
  handle.registeredMs < fromMs && model.unwantedMs(handle) > toMs

/** R2, R3, R6, R7: a list shows nothing that has gone. */
const ghostsIn = (model: Model, event: EventOf<'listed'>): readonly Violation[] =>
  event.instances.flatMap((instance): readonly Violation[] => {
    const handle = model.handles.get(instance.handle)
    if (handle === undefined) return []
    const goneMs = model.goneMs(handle)
    if (event.startedMs <= goneMs) return []
    return [
      {
        kind: 'ghost',
        guarantee: ghostGuarantee(handle),
        atMs: event.atMs,
        key: keyOf(instance),
        process: handle.process,
        message: `a list by ${event.process} shows handle ${handle.number} of ${keyOf(instance)}: ${whyGone(model, handle)}, so it had to be gone by ${showMs(goneMs)}`,
      },
    ]
  })

/** The guarantee by which the handle's record had to go. */
export const ghostGuarantee = (handle: Handle): string => {
  if (handle.deregisteredMs < Infinity) return 'R2, R6'
  return handle.lostMs < Infinity ? 'R7' : 'R3'
}

/** Why the handle's record had to go. */
export const whyGone = (model: Model, handle: Handle): string => {
  const { process, deregisteredMs, lostMs } = handle
  if (deregisteredMs < Infinity) return `its removal was acknowledged at ${showMs(deregisteredMs)}`
  if (lostMs < Infinity) return `${process} lost the id at ${showMs(lostMs)}`
  return `${process} ended at ${showMs(model.clients.get(process)?.endedMs ?? Infinity)}`
}

/** Checks what every list since `sinceMs` shows. */
export const checkLists = (
  model: Model,
  timeline: readonly TimelineEvent[],
  sinceMs = 0,
): readonly Violation[] =>
  timeline.flatMap((event) =>
    event.type === 'listed' && event.ending === 'resolved' && event.atMs >= sinceMs
      ? [...missingFrom(model, event), ...ghostsIn(model, event)]
      : [],
  )
