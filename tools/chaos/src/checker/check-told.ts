import {
  type EventOf,
  keyOf,
  type TimelineEvent,
  type ToldChange,
} from '../timeline/timeline-event.ts'
import { blinkExcuse, isContested } from './blink-excuse.ts'
import { ghostGuarantee, isStanding, whyGone } from './check-lists.ts'
import type { Handle, Model } from './model.ts'
import { isShared, type Outage } from './outages.ts'
import { showMs } from './show-time.ts'
import type { Violation } from './violation.ts'

/** The handles that a removal is about: of the id, or of the whole service. */
const handlesOf = (model: Model, change: ToldChange): readonly Handle[] =>
  (change.id === '' ? model.byService : model.byKey).get(keyOf(change)) ?? []

const longestOutageMs = (model: Model, { process }: Handle, aroundMs: number): number =>
  Math.max(
    0,
    ...model
      .outagesOf(process)
      .filter(
        ({ beganMs, endedMs }) => beganMs <= aroundMs && endedMs > aroundMs - model.bounds.holdMs,
      )
      .map(({ beganMs, endedMs }) => Math.min(endedMs, aroundMs) - beganMs),
  )

/**
 * Checks what each watcher was told against what the owners meant: that nothing blinked (R4), and
 * that nothing that had gone came (R6). An outage may excuse a removal; then loss protection bounds
 * how many of a view are told (W4).
 */
export const checkTold = (
  model: Model,
  timeline: readonly TimelineEvent[],
  sinceMs = 0,
): readonly Violation[] => {
  const violations: Violation[] = []
  const protectedLosses = new Map<
    string,
    { readonly outage: Outage; told: number; reported: boolean }
  >()
  const sizes = new Map<string, { view: Set<string>; most: number }>()
  for (const event of timeline) {
    if (event.type !== 'told') continue
    const size = sizes.get(event.watcher) ?? { view: new Set(), most: 0 }
    sizes.set(event.watcher, size)
    for (const change of event.changes) {
      if (change.type !== 'removed') {
        size.view.add(keyOf(change))
        size.most = Math.max(size.most, size.view.size)
        if (event.atMs >= sinceMs) violations.push(...toldGhost(model, event, change))
        continue
      }
      size.view.delete(keyOf(change))
      const excuse = checkRemoval(model, event, change)
      if (excuse === undefined) continue
      if ('kind' in excuse) {
        violations.push(excuse)
        continue
      }
      if (change.id === '' || !isShared(excuse)) continue
      const name = `${event.watcher} ${excuse.beganMs}`
      const losses = protectedLosses.get(name) ?? { outage: excuse, told: 0, reported: false }
      protectedLosses.set(name, losses)
      losses.told += 1
      const allowed = excuse.parts.length * Math.floor(size.most / 2)
      if (size.most < 3 || losses.told <= allowed || losses.reported) continue
      losses.reported = true
      violations.push({
        kind: 'blink',
        guarantee: 'W4',
        atMs: event.atMs,
        key: keyOf(change),
        process: event.process,
        watcher: event.watcher,
        message: `${event.watcher} was told ${losses.told} removals of running instances in an outage (${showMs(excuse.beganMs)} … ${showMs(excuse.endedMs)}) from a view of ${size.most}; loss protection tells at most ${allowed}`,
      })
    }
  }
  return violations
}

/** A violation, or the outage that excuses the removal, or nothing if it is right. */
const checkRemoval = (
  model: Model,
  event: EventOf<'told'>,
  change: ToldChange,
): Violation | Outage | undefined => {
  const fromMs = model.reachBackMs(event.process, event.atMs)
  let excuse: Outage | undefined
  for (const handle of handlesOf(model, change)) {
    if (!isStanding(model, handle, fromMs, event.atMs)) continue
    if (isContested(model, handle, fromMs, event.atMs)) continue
    const found = blinkExcuse(model, handle, fromMs, event.atMs)
    if (found === undefined)
      return {
        kind: 'blink',
        guarantee: 'R4',
        atMs: event.atMs,
        key: keyOf(change),
        process: handle.process,
        watcher: event.watcher,
        message: `${event.watcher} was told that ${keyOf(change)} left, while ${handle.process} held ${keyOf(handle)} (handle ${handle.number}, since ${showMs(handle.registeredMs)}); the owner's longest outage around it was ${(longestOutageMs(model, handle, event.atMs) / 1_000).toFixed(1)} s, and up to ${(model.bounds.outageLimitMs / 1_000).toFixed(1)} s may not be seen`,
      }
    excuse ??= found
  }
  return excuse
}

const toldGhost = (
  model: Model,
  event: EventOf<'told'>,
  change: ToldChange,
): readonly Violation[] => {
  const handle = model.handles.get(change.handle)
  if (handle === undefined || change.id === '') return []
  const goneMs = model.goneMs(handle)
  if (model.reachBackMs(event.process, event.atMs) <= goneMs) return []
  return [
    {
      kind: 'ghost',
      guarantee: ghostGuarantee(handle),
      atMs: event.atMs,
      key: keyOf(change),
      process: handle.process,
      watcher: event.watcher,
      message: `${event.watcher} was told that ${keyOf(change)} was ${change.type} with handle ${handle.number}: ${whyGone(model, handle)}, so it had to be gone by ${showMs(goneMs)}`,
    },
  ]
}
