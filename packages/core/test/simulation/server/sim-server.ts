import type { ServiceInstance } from '../../../src/model/service-instance.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { History, type Write } from './history.ts'
import { type LeaseOptions, LeaseTable, type SavedLeases } from './lease-table.ts'
import { simError } from './sim-error.ts'
import { serviceOf, type Stored, type StoredValue } from './stored.ts'

/** A conditional write: `expect` is the revision its sender last saw, 0 for "no record". */
export interface FencedWrite {
  readonly key: string
  readonly expect: number
  /** `undefined` deletes. */
  readonly value: StoredValue | undefined
}

/** Whether the condition held; if not, the stored record. */
export type FencedResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly current: Stored | undefined }

/** A client and the operation that it performs. */
export interface Acting {
  readonly client: string
  readonly operation: string
}

/**
 * Called with every commit, in order: the model's view of what happened. `restored`: the data was
 * replaced by a backup's, and these are all of it and all that is gone.
 */
export type OnCommit = (writes: readonly Write[], restored: boolean) => void

/** What a server starts with: what it had, nothing, or its last backup. */
export type StartData = 'kept' | 'none' | 'backup'

interface Backup {
  readonly records: ReadonlyMap<string, Stored>
  readonly leases: SavedLeases
  readonly revision: number
}

/**
 * An etcd-like server: one revision over all keys, leases that expire by its own clock, a history
 * that can be compacted, an epoch that identifies the history. It can be frozen (requests wait
 * and are applied in order on the thaw, after the leases that ended meanwhile), stopped, and started
 * with its data, without, or with those of a backup.
 */
export class SimServer {
  readonly history: History = new History()
  readonly leases: LeaseTable
  /** Writes to these keys are refused. */
  readonly denied: Set<string> = new Set()
  /** Services whose records may not be written, audited, or removed by closing their lease. */
  readonly deniedServices: Set<string> = new Set()
  readonly #listeners = new Set<OnCommit>()
  readonly #records = new Map<string, Stored>()
  #backup: Backup = { records: new Map(), leases: new Map(), revision: 0 }
  #queue: (() => void)[] = []
  #frozen = false
  #down = false
  /**
   * The client whose request is being applied; `undefined` for an expired lease or a third party.
   */
  acting: Acting | undefined
  /** Counts starts: requests that were sent to an earlier one are lost. */
  incarnation = 1

  constructor(clock: VirtualClock, options: LeaseOptions) {
    this.leases = new LeaseTable(clock, options, (lease) => this.#revoked(lease))
  }

  get records(): ReadonlyMap<string, Stored> {
    return this.#records
  }
  get down(): boolean {
    return this.#down
  }
  get answers(): boolean {
    return !this.#down && !this.#frozen
  }

  onCommit(listener: OnCommit): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Applies a request now, or on the thaw. The caller has checked that the server is up. */
  submit(apply: () => void): void {
    if (this.#frozen) this.#queue.push(apply)
    else apply()
  }

  freeze(): void {
    if (this.#down || this.#frozen) return
    this.#frozen = true
    this.leases.suspend()
  }

  thaw(): void {
    if (!this.#frozen) return
    this.#frozen = false
    // a server checks its leases before it reads its sockets
    this.leases.resume()
    const queue = this.#queue
    this.#queue = []
    for (const apply of queue) apply()
  }

  stop(): void {
    if (this.#down) return
    this.#down = true
    this.#frozen = false
    this.#queue = []
    this.leases.suspend()
  }

  /** Saves the records and the leases for a later start with them. */
  backUp(): void {
    const { revision } = this.history
    this.#backup = { records: new Map(this.#records), leases: this.leases.save(), revision }
  }

  start(data: StartData): void {
    if (!this.#down) return
    this.#down = false
    this.incarnation += 1
    if (data === 'kept') {
      this.leases.rearm()
      return
    }
    const lost = [...this.#records.keys()].map((key): Write => ({ key, stored: undefined }))
    this.#records.clear()
    if (data === 'backup') {
      this.#restore(lost)
      return
    }
    this.leases.clear()
    this.history.wipe()
    // no watcher is attached now, but the model must be updated
    for (const listener of this.#listeners) listener(lost, false)
  }

  /** Each write has its own condition. An unknown lease fails all of them. */
  commit(
    operation: string,
    writes: readonly FencedWrite[],
    lease: string | undefined,
    client: string,
  ): FencedResult[] {
    for (const { key } of writes) {
      this.requireRight(operation, key)
      if (this.denied.has(key))
        throw simError('permission-denied', operation, `${key} may not be written`)
    }
    if (lease !== undefined) this.requireLease(operation, lease)
    return writes.map(({ key, expect, value }): FencedResult => {
      const current = this.#records.get(key)
      if ((current?.revision ?? 0) !== expect) return { ok: false, current }
      this.acting = { client, operation }
      const revision = this.write(key, value, lease)
      this.acting = undefined
      return { ok: true, revision }
    })
  }

  requireLease(operation: string, lease: string): void {
    if (!this.leases.has(lease))
      throw simError('session-lost', operation, `there is no lease ${lease}`)
  }

  /** As etcd does, one forbidden key refuses the whole request. */
  requireRight(operation: string, key: string): void {
    if (this.deniedServices.has(serviceOf(key)))
      throw simError('permission-denied', operation, `${key} may not be touched`)
  }

  /** Ends a client's lease, if the client may write all of its records. */
  close(lease: string, client: string): void {
    for (const [key, stored] of this.#records)
      if (stored.lease === lease) this.requireRight('close-session', key)
    this.acting = { client, operation: 'close-session' }
    this.leases.revoke(lease)
    this.acting = undefined
  }

  /** An unfenced write, as a third party makes it. */
  write(key: string, value: StoredValue | undefined, lease: string | undefined): number {
    const revision = this.history.revision + 1
    const stored = value === undefined ? undefined : { value, lease, revision }
    this.#commit([{ key, stored }])
    return revision
  }

  /**
   * The instances that a reader of `service` must see; without a service, those of all services.
   */
  instances(service?: string): readonly ServiceInstance[] {
    const prefix = service === undefined ? '' : `${service}/`
    return [...this.#records].flatMap(([key, { value }]) =>
      key.startsWith(prefix) && value.instance !== undefined ? [value.instance] : [],
    )
  }

  #restore(lost: readonly Write[]): void {
    const { records, leases, revision: savedAt } = this.#backup
    const ids = this.leases.restore(leases)
    this.history.restore(savedAt)
    for (const [key, { value, lease, revision }] of records)
      this.#records.set(key, {
        value,
        lease: lease === undefined ? undefined : (ids.get(lease) ?? lease),
        revision,
      })
    const gone = lost.filter(({ key }) => !records.has(key))
    const back = [...this.#records].map(([key, stored]): Write => ({ key, stored }))
    for (const listener of this.#listeners) listener([...gone, ...back], true)
  }

  #revoked(lease: string): void {
    const writes = [...this.#records].flatMap(([key, stored]) =>
      stored.lease === lease ? [{ key, stored: undefined }] : [],
    )
    if (writes.length > 0) this.#commit(writes)
  }

  #commit(writes: readonly Write[]): void {
    for (const { key, stored } of writes) {
      if (stored === undefined) this.#records.delete(key)
      else this.#records.set(key, stored)
    }
    this.history.append(writes)
    for (const listener of this.#listeners) listener(writes, false)
  }
}
