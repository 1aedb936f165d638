import {
  type EventOf,
  type FaultKind,
  type Link,
  reader,
  type TimelineEvent,
} from '../timeline/timeline-event.ts'
import type { Bounds } from './bounds.ts'

/** Whom a disturbance reaches. */
type Reach = 'server' | { readonly link: Link } | { readonly process: string }

/** Something that may explain why a process or the backend was away. */
export interface Disturbance {
  /** The kind of fault, or what was observed. */
  readonly what: FaultKind | 'paused' | 'lagged' | 'slow-answer'
  readonly reach: Reach
  readonly beganMs: number
  /** Infinity while it lasts. */
  readonly endedMs: number
}

/** Disturbances of one process with too little time between them for it to recover. */
export interface Outage {
  readonly beganMs: number
  readonly endedMs: number
  readonly parts: readonly Disturbance[]
}

/** Faults during which calls are still answered, and answered in time. */
const harmless: ReadonlySet<Disturbance['what']> = new Set(['slow', 'compact', 'reset'])

/** Faults that end sessions or replace the contents, however short they are. */
const losing: ReadonlySet<Disturbance['what']> = new Set(['wipe', 'restore', 'expire-session'])

const restarting: ReadonlySet<Disturbance['what']> = new Set([
  'kill-server',
  'stop-server',
  'backup',
])

const reachOf = ({ process, links }: EventOf<'fault-began'>): Reach => {
  if (process !== undefined) return { process }
  const [link] = links
  return links.length === 1 && link !== undefined ? { link } : 'server'
}

/** All disturbances of a timeline, in the order of their beginnings. */
export const disturbancesOf = (
  timeline: readonly TimelineEvent[],
  bounds: Bounds,
): readonly Disturbance[] => {
  const found: Disturbance[] = []
  const slow: Disturbance[] = []
  const open = new Map<number | string, Omit<Disturbance, 'endedMs'>>()
  const end = (key: number | string, endedMs: number): void => {
    const disturbance = open.get(key)
    if (disturbance === undefined) return
    open.delete(key)
    found.push({ ...disturbance, endedMs })
  }
  for (const event of timeline) {
    const { type, atMs } = event
    if (type === 'fault-began')
      open.set(event.number, { what: event.fault, reach: reachOf(event), beganMs: atMs })
    else if (type === 'fault-ended') end(event.number, atMs)
    else if (type === 'process-paused')
      open.set(event.process, { what: 'paused', reach: event, beganMs: atMs })
    else if (type === 'process-resumed') end(event.process, atMs)
    else if (type === 'lagged')
      found.push({ what: 'lagged', reach: event, beganMs: event.sinceMs, endedMs: atMs })
    else if (
      (type === 'wrote' || (type === 'listed' && event.process === reader)) &&
      atMs - event.startedMs > bounds.ttlMs / 6
    )
      slow.push({ what: 'slow-answer', reach: 'server', beganMs: event.startedMs, endedMs: atMs })
  }
  for (const disturbance of open.values()) found.push({ ...disturbance, endedMs: Infinity })
  // without a fault the machine was too busy for the backend; with one, the call waited for its end
  const unexplained = slow.filter(
    (answer) =>
      !found.some(
        ({ reach, beganMs, endedMs }) =>
          reach === 'server' && beganMs <= answer.endedMs && endedMs >= answer.beganMs,
      ),
  )
  return [...found, ...unexplained].toSorted((one, other) => one.beganMs - other.beganMs)
}

/** Whether the disturbance concerns a process on that link. */
export const reaches = ({ reach }: Disturbance, process: string, link: Link | undefined): boolean =>
  reach === 'server' || ('link' in reach ? reach.link === link : reach.process === process)

/** Merges disturbances that leave less than `gapMs` between them. */
export const mergeOutages = (
  disturbances: readonly Disturbance[],
  gapMs: number,
): readonly Outage[] => {
  const merged: Outage[] = []
  for (const disturbance of disturbances) {
    const last = merged.at(-1)
    if (last !== undefined && disturbance.beganMs - last.endedMs < gapMs)
      merged[merged.length - 1] = {
        beganMs: last.beganMs,
        endedMs: Math.max(last.endedMs, disturbance.endedMs),
        parts: [...last.parts, disturbance],
      }
    else merged.push({ ...disturbance, parts: [disturbance] })
  }
  return merged
}

/** Whether every part of the outage reached all processes alike, so that watchers notice it too. */
export const isShared = ({ parts }: Outage): boolean =>
  parts.every(({ reach, what }) => reach === 'server' && what !== 'slow-answer')

/** Whether an owner may lose its instances in the outage (R4): it lost data, or took too long. */
export const mayBlink = (outage: Outage, bounds: Bounds): boolean => {
  const { beganMs, endedMs, parts } = outage
  if (parts.some(({ what }) => losing.has(what))) return true
  if (parts.every(({ what }) => harmless.has(what))) return false
  const onlyRestarts = parts.every(({ what }) => restarting.has(what) || harmless.has(what))
  return endedMs - beganMs > (onlyRestarts ? bounds.restartLimitMs : bounds.outageLimitMs)
}
