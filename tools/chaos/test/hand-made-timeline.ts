import type { RunSettings } from '../src/checker/bounds.ts'
import type {
  EventOf,
  FaultKind,
  Happening,
  Link,
  SeenInstance,
  TimelineEvent,
  ToldChange,
} from '../src/timeline/timeline-event.ts'

/** A ttl of 3 s and a cap of 1 s; a hold is 6 s, an outage of up to 1.5 s may not be seen. */
export const settings: RunSettings = {
  ttlMs: 3_000,
  capMs: 1_000,
  minBackoffMs: 100,
  callTimeoutMs: 1_000,
  closeTimeoutMs: 3_000,
  graceMs: 500,
  restartLimitMs: 3_000,
  lateWriteMs: 0,
  deadWatchMs: 0,
  restoredMs: 0,
  slackMs: 3_000,
}

/** The watcher of all hand-made timelines. */
export const watcher = 'watcher-1/orders'

/** What readers see of a handle. */
export const seen = (handle: number, id = 'x', weight = handle): SeenInstance => ({
  service: 'orders',
  id,
  handle,
  weight,
})

/** Writes a timeline by hand; the times are milliseconds. */
export class HandMade {
  readonly events: TimelineEvent[] = []
  #faults = 0

  /** Two owners and a watcher, on different links. */
  constructor() {
    this.add(0, { type: 'process-began', process: 'owner-1', link: 'a' })
    this.add(0, { type: 'process-began', process: 'owner-2', link: 'b' })
    this.add(0, { type: 'process-began', process: 'watcher-1', link: 'b' })
    this.add(50, {
      type: 'watching',
      process: 'watcher-1',
      watcher,
      scope: { service: 'orders' },
    })
  }

  add(atMs: number, happening: Happening): this {
    this.events.push({ ...happening, atMs })
    return this
  }

  registering(atMs: number, handle: number, more: Partial<EventOf<'registering'>> = {}): this {
    const { service, id, weight } = seen(handle)
    const asked = { service, id, weight, onConflict: 'takeover', waitFor: 'registered' } as const
    return this.add(atMs, {
      type: 'registering',
      process: 'owner-1',
      handle,
      ...asked,
      ...more,
    })
  }

  /** The end of `register`, and the status that follows. */
  ended(atMs: number, handle: number, ending = 'resolved', process = 'owner-1'): this {
    return this.add(atMs, { type: 'register-ended', process, handle, ending })
  }

  registered(atMs: number, handle: number, more: Partial<EventOf<'registering'>> = {}): this {
    return this.registering(atMs - 10, handle, more).ended(atMs, handle, 'resolved', more.process)
  }

  deregistered(atMs: number, handle: number, process = 'owner-1'): this {
    return this.add(atMs - 10, { type: 'deregistering', process, handle }).add(atMs, {
      type: 'deregister-ended',
      process,
      handle,
      ending: 'resolved',
    })
  }

  told(atMs: number, changes: readonly ToldChange[], event: 'sync' | 'change' = 'change'): this {
    return this.add(atMs, { type: 'told', process: 'watcher-1', watcher, event, changes })
  }

  added(atMs: number, handle: number, id = 'x', event: 'sync' | 'change' = 'change'): this {
    return this.told(atMs, [{ type: 'added', ...seen(handle, id) }], event)
  }

  removed(atMs: number, handle: number, id = 'x'): this {
    return this.told(atMs, [{ type: 'removed', ...seen(handle, id) }])
  }

  listed(atMs: number, instances: readonly SeenInstance[]): this {
    return this.add(atMs, {
      type: 'listed',
      process: 'reader',
      service: 'orders',
      startedMs: atMs - 5,
      ending: 'resolved',
      instances,
    })
  }

  fault(
    fromMs: number,
    toMs: number,
    fault: FaultKind,
    links: readonly Link[] = ['a', 'b'],
    process?: string,
  ): this {
    const number = ++this.#faults
    const of = process === undefined ? {} : { process }
    return this.add(fromMs, { type: 'fault-began', fault, number, links, ...of }).add(toMs, {
      type: 'fault-ended',
      number,
    })
  }

  killed(atMs: number, process = 'owner-1'): this {
    return this.add(atMs, { type: 'process-killed', process }).add(atMs + 5, {
      type: 'process-ended',
      process,
      how: 'SIGKILL',
      stderr: '',
    })
  }

  /** A quiet time that ends with one look at everything; without `listed` the list failed. */
  quiet(
    fromMs: number,
    toMs: number,
    listed: readonly SeenInstance[] | undefined,
    more: Partial<EventOf<'snapshot'>['processes'][number]['watchers'][number]> = {},
  ): this {
    const own = { watcher, scope: { service: 'orders' }, view: listed ?? [], held: 0, ...more }
    return this.add(fromMs, { type: 'quiet-began', round: 0 })
      .add(toMs, {
        type: 'snapshot',
        startedMs: toMs - 5,
        listed,
        failure: 'unavailable',
        processes: [
          { process: 'watcher-1', registrations: [], watchers: [own], pendingRemovals: 0 },
        ],
      })
      .add(toMs + 1, { type: 'quiet-ended', round: 0 })
  }
}
