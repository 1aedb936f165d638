import type { Timer } from '../../../src/runtime/clock.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'

/** When leases end on a server. */
export interface LeaseOptions {
  /** Granted for asked ttl. */
  readonly ttlFactor: number
  /** How late the server notices that a lease has expired. */
  readonly graceMs: number
  /** Whether clients can renew the leases that a restored backup has; otherwise these end by their ttl. */
  readonly backupKeepsLeases: boolean
}

/** The leases of a backup, by id. */
export type SavedLeases = ReadonlyMap<string, Pick<Lease, 'client' | 'ttlMs' | 'onGone'>>

interface Lease {
  readonly client: string
  readonly ttlMs: number
  expiresMs: number
  timer: Timer | undefined
  /** Notifies the holder, on backends that push a loss. */
  readonly onGone: () => void
}

/** Leases expire by the server's clock; none expires while the server is frozen or down. */
export class LeaseTable {
  readonly #clock: VirtualClock
  readonly #options: LeaseOptions
  readonly #onRevoked: (lease: string) => void
  readonly #leases = new Map<string, Lease>()
  #next = 1
  #suspended = false

  constructor(clock: VirtualClock, options: LeaseOptions, onRevoked: (lease: string) => void) {
    this.#clock = clock
    this.#options = options
    this.#onRevoked = onRevoked
  }

  has(id: string): boolean {
    return this.#leases.has(id)
  }

  /** The ids of one client's leases, or of all. */
  ids(client?: string): readonly string[] {
    return [...this.#leases].flatMap(([id, lease]) =>
      client === undefined || lease.client === client ? [id] : [],
    )
  }

  grant(
    client: string,
    askedTtlMs: number,
    onGone: () => void,
  ): { readonly id: string; readonly ttlMs: number } {
    const id = `lease-${this.#next}`
    this.#next += 1
    const ttlMs = askedTtlMs * this.#options.ttlFactor
    this.#begin(id, { client, ttlMs, onGone })
    return { id, ttlMs }
  }

  save(): SavedLeases {
    return new Map(this.#leases)
  }

  /**
   * Replaces all leases by those of a backup, whose ttls begin anew. Returns their ids by those that
   * they had: without `backupKeepsLeases` others, which no client knows.
   */
  restore(saved: SavedLeases): ReadonlyMap<string, string> {
    this.clear()
    const ids = new Map<string, string>()
    for (const [before, lease] of saved) {
      const id = this.#options.backupKeepsLeases ? before : `${before} restored`
      ids.set(before, id)
      this.#begin(id, lease)
    }
    return ids
  }

  /** `false` when the lease is not known. */
  renew(id: string): boolean {
    const lease = this.#leases.get(id)
    if (lease !== undefined) this.#renew(lease)
    return lease !== undefined
  }

  revoke(id: string): void {
    const lease = this.#leases.get(id)
    if (lease === undefined) return
    lease.timer?.cancel()
    this.#leases.delete(id)
    this.#onRevoked(id)
    lease.onGone()
  }

  suspend(): void {
    this.#suspended = true
  }

  /** Resumes: leases that expired while the server was frozen are revoked at once. */
  resume(): void {
    this.#suspended = false
    for (const [id, lease] of this.#leases) this.#check(id, lease)
  }

  /** Restarts with its data: the ttl of every lease begins anew. */
  rearm(): void {
    for (const lease of this.#leases.values()) this.#renew(lease)
    this.resume()
  }

  clear(): void {
    for (const lease of this.#leases.values()) lease.timer?.cancel()
    this.#leases.clear()
    this.#suspended = false
  }

  #begin(id: string, { client, ttlMs, onGone }: Pick<Lease, 'client' | 'ttlMs' | 'onGone'>): void {
    const lease: Lease = { client, ttlMs, expiresMs: 0, timer: undefined, onGone }
    this.#leases.set(id, lease)
    this.#renew(lease)
    this.#watch(id, lease)
  }

  #renew(lease: Lease): void {
    lease.expiresMs = this.#clock.monotonicMs() + lease.ttlMs + this.#options.graceMs
  }

  #watch(id: string, lease: Lease): void {
    lease.timer?.cancel()
    const delayMs = lease.expiresMs - this.#clock.monotonicMs()
    lease.timer = this.#clock.setTimer(delayMs, () => this.#check(id, lease))
  }

  #check(id: string, lease: Lease): void {
    if (this.#suspended || this.#leases.get(id) !== lease) return
    if (lease.expiresMs <= this.#clock.monotonicMs()) this.revoke(id)
    else this.#watch(id, lease)
  }
}
