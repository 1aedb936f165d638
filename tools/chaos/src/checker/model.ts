import { type EventOf, keyOf, type Link, type TimelineEvent } from '../timeline/timeline-event.ts'
import type { Bounds } from './bounds.ts'
import { type Disturbance, disturbancesOf, mergeOutages, type Outage, reaches } from './outages.ts'

/** One `register` call, and what its owner meant from then on. Times are Infinity until they come. */
export interface Handle {
  readonly number: number
  readonly process: string
  readonly service: string
  readonly id: string
  readonly onConflict: 'takeover' | 'reject'
  readonly calledMs: number
  /** When it was first reported `registered`. */
  registeredMs: number
  /** The weights of all updates, the first of `register`, each with the way its call ended. */
  readonly weights: { readonly weight: number; ending: string | undefined }[]
  deregisteringMs: number
  /** When its removal was acknowledged. */
  deregisteredMs: number
  /** When it was told that it lost its id: superseded, or refused with `conflict`. */
  lostMs: number
  /** When it ended in another way: `failed`, or rejected with another error. */
  failedMs: number
  failure: string | undefined
  /** When a later `register` of its own process for the same id was called. */
  replacedMs: number
  /** The handle of that call. */
  successor: Handle | undefined
  /** Whether the promise of `register` is pending. */
  pending: boolean
}

/** One client process. */
export interface Client {
  readonly process: string
  readonly link: Link
  readonly beganMs: number
  killedMs: number
  leavingMs: number
  /** When it began to close its registry: a process that has only started does so late. */
  closingMs: number
  endedMs: number
  /** Whether it ended by itself, after it had closed its registry. */
  closed: boolean
}

/** What the timeline says about intentions, processes and faults; built once for all checks. */
export class Model {
  readonly bounds: Bounds
  readonly handles: ReadonlyMap<number, Handle>
  readonly byKey: ReadonlyMap<string, readonly Handle[]>
  readonly byService: ReadonlyMap<string, readonly Handle[]>
  readonly clients: ReadonlyMap<string, Client>
  readonly disturbances: readonly Disturbance[]
  readonly #outages = new Map<string, readonly Outage[]>()

  constructor(timeline: readonly TimelineEvent[], bounds: Bounds) {
    this.bounds = bounds
    this.disturbances = disturbancesOf(timeline, bounds)
    const handles = new Map<number, Handle>()
    const clients = new Map<string, Client>()
    for (const event of timeline) follow(event, handles, clients)
    this.handles = handles
    this.clients = clients
    this.byKey = Map.groupBy(handles.values(), keyOf)
    this.byService = Map.groupBy(handles.values(), ({ service }) => service)
  }

  /** The outages of a process: its own, its link's and the server's, merged. */
  outagesOf(process: string): readonly Outage[] {
    let outages = this.#outages.get(process)
    if (outages === undefined) {
      const link = this.clients.get(process)?.link
      const own = this.disturbances.filter((one) => reaches(one, process, link))
      outages = mergeOutages(own, this.bounds.ttlMs / 2)
      this.#outages.set(process, outages)
    }
    return outages
  }

  /** The outages that reach every process. */
  get serverOutages(): readonly Outage[] {
    return this.outagesOf('')
  }

  /**
   * The earliest time whose effects may still arrive at `process` at `atMs`: earlier by the slack,
   * and by every outage of the process that was not over for as long.
   */
  reachBackMs(process: string, atMs: number): number {
    const { slackMs, deadWatchMs, holdMs } = this.bounds
    let sinceMs = atMs - slackMs
    for (const { beganMs, endedMs } of this.outagesOf(process).toReversed())
      // a removal inside a recovery window may be held (W4)
      if (beganMs <= atMs && endedMs + holdMs + deadWatchMs + slackMs >= sinceMs)
        sinceMs = Math.min(sinceMs, beganMs - slackMs)
    return sinceMs
  }

  /** When the owner ceased to want the instance for certain. */
  unwantedMs(handle: Handle): number {
    const client = this.clients.get(handle.process)
    return Math.min(
      handle.deregisteringMs,
      handle.lostMs,
      handle.failedMs,
      handle.replacedMs,
      client?.killedMs ?? Infinity,
      client?.leavingMs ?? Infinity,
      client?.endedMs ?? Infinity,
    )
  }

  /**
   * The time from which no list may show the record: R2 after an acknowledged removal, R3 after the
   * end of the process, R7 after the loss of the id. Infinity while it may be listed.
   */
  goneMs(handle: Handle): number {
    const { slackMs } = this.bounds
    const client = this.clients.get(handle.process)
    const acknowledgedMs = this.#acknowledgedMs(handle)
    const endedMs = Math.min(client?.killedMs ?? Infinity, client?.endedMs ?? Infinity)
    const goneMs = Math.min(
      this.#afterLateWritesMs(handle, acknowledgedMs),
      client !== undefined && this.#leftClean(client)
        ? endedMs
        : this.#expiredMs(endedMs) + slackMs,
    )
    // a restored backup may bring back what was gone, until its session expires, its owner notices
    // it, or the backend itself does
    const { backMs, restoredMs } = this.bounds
    const restored = this.disturbances
      .filter(
        ({ what, endedMs: atMs }) => what === 'restore' && atMs > Math.min(acknowledgedMs, endedMs),
      )
      .map(
        ({ endedMs: atMs }) =>
          Math.max(this.#expiredMs(atMs), atMs + backMs, atMs + restoredMs) + slackMs,
      )
    return Math.max(goneMs, ...restored)
  }

  /**
   * When the backend has acknowledged that the record is not there: removed, or replaced. The loser
   * within one process learns at once that it lost, before anything is written.
   */
  #acknowledgedMs({ deregisteredMs, lostMs, successor }: Handle): number {
    if (successor === undefined) return Math.min(deregisteredMs, lostMs)
    return Math.min(deregisteredMs, successor.registeredMs, this.#acknowledgedMs(successor))
  }

  /** R11: a process that closed its registry, while nothing disturbed it, has removed everything. */
  #leftClean({ process, closed, leavingMs, endedMs }: Client): boolean {
    const { backMs } = this.bounds
    return (
      closed &&
      !this.outagesOf(process).some(
        (outage) => outage.beganMs <= endedMs && outage.endedMs + backMs >= leavingMs,
      )
    )
  }

  /** Where nothing fences writes, one whose answer was lost may take effect after the removal (R6). */
  #afterLateWritesMs({ process, calledMs }: Handle, acknowledgedMs: number): number {
    const { lateWriteMs, slackMs } = this.bounds
    if (lateWriteMs === 0) return acknowledgedMs
    const late = this.outagesOf(process)
      .filter(({ beganMs, endedMs }) => beganMs <= acknowledgedMs && endedMs > calledMs)
      .map(({ endedMs }) => endedMs + lateWriteMs + slackMs)
    return Math.max(acknowledgedMs, ...late)
  }

  /** When a session that was last renewed at `sinceMs` has expired: a restarted server counts anew. */
  #expiredMs(sinceMs: number): number {
    const { crashedMs, slackMs } = this.bounds
    let countedMs = sinceMs
    for (const { beganMs, endedMs } of this.serverOutages)
      if (beganMs <= countedMs + crashedMs + slackMs && endedMs > countedMs) countedMs = endedMs
    return countedMs + crashedMs
  }
}

const follow = (
  event: TimelineEvent,
  handles: Map<number, Handle>,
  clients: Map<string, Client>,
): void => {
  const { type, atMs } = event
  if (type === 'process-began') clients.set(event.process, newClient(event))
  else if (type === 'registering') {
    const handle = newHandle(event)
    replaceOwn(handle, handles)
    handles.set(handle.number, handle)
  } else if ('handle' in event) {
    const handle = handles.get(event.handle)
    if (handle !== undefined) followHandle(event, handle)
  } else if ('process' in event) {
    const client = clients.get(event.process ?? '')
    if (client === undefined) return
    if (type === 'process-killed') client.killedMs = atMs
    else if (type === 'process-leaving') client.leavingMs = atMs
    else if (type === 'process-closing') client.closingMs = atMs
    else if (type === 'process-ended') {
      client.endedMs = atMs
      client.closed = client.leavingMs < Infinity && event.how === 'exit 0'
    }
  }
}

const newClient = ({ process, link, atMs }: EventOf<'process-began'>): Client => ({
  process,
  link,
  beganMs: atMs,
  killedMs: Infinity,
  leavingMs: Infinity,
  closingMs: Infinity,
  endedMs: Infinity,
  closed: false,
})

/** A takeover replaces the registration of the same id by its own process. */
const replaceOwn = (successor: Handle, handles: ReadonlyMap<number, Handle>): void => {
  if (successor.onConflict !== 'takeover') return
  for (const handle of handles.values()) {
    if (handle.process !== successor.process || keyOf(handle) !== keyOf(successor)) continue
    if (handle.successor !== undefined) continue
    handle.replacedMs = successor.calledMs
    handle.successor = successor
  }
}

const newHandle = (event: EventOf<'registering'>): Handle => ({
  number: event.handle,
  process: event.process,
  service: event.service,
  id: event.id,
  onConflict: event.onConflict,
  calledMs: event.atMs,
  registeredMs: Infinity,
  weights: [{ weight: event.weight, ending: 'resolved' }],
  deregisteringMs: Infinity,
  deregisteredMs: Infinity,
  lostMs: Infinity,
  failedMs: Infinity,
  failure: undefined,
  replacedMs: Infinity,
  successor: undefined,
  pending: true,
})

type HandleEvent = Extract<TimelineEvent, { handle: number }>

const followHandle = (event: HandleEvent, handle: Handle): void => {
  const { atMs } = event
  const fail = (failure: string): void => {
    if (failure === 'conflict' || failure === 'superseded')
      handle.lostMs = Math.min(handle.lostMs, atMs)
    else {
      handle.failedMs = Math.min(handle.failedMs, atMs)
      handle.failure ??= failure
    }
  }
  switch (event.type) {
    case 'register-ended':
      handle.pending = false
      if (event.ending === 'resolved') handle.registeredMs = Math.min(handle.registeredMs, atMs)
      else if (event.ending !== 'accepted') fail(event.ending)
      return
    case 'status':
      if (event.state === 'registered') handle.registeredMs = Math.min(handle.registeredMs, atMs)
      else if (event.state === 'superseded') fail('superseded')
      else if (event.state === 'failed') fail(event.cause ?? 'failed')
      return
    case 'updating':
      handle.weights.push({ weight: event.weight, ending: undefined })
      return
    case 'update-ended': {
      const update = handle.weights.find(({ weight }) => weight === event.weight)
      if (update !== undefined) update.ending = event.ending
      return
    }
    case 'deregistering':
      handle.deregisteringMs = Math.min(handle.deregisteringMs, atMs)
      return
    case 'deregister-ended':
      if (event.ending === 'resolved') handle.deregisteredMs = Math.min(handle.deregisteredMs, atMs)
      return
    case 'registering':
  }
}
