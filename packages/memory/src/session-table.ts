import type { Clock, Timer } from '@sd/core/driver'

/** A session as the store keeps it. */
export interface StoredSession {
  readonly id: string
  readonly namespace: string
  readonly ttlMs: number
  /**
   * The clock of the driver that opened it. Timing each session on its client's clock lets one
   * process-wide store serve drivers on virtual clocks and on real ones.
   */
  readonly clock: Clock
  /** Keys of the records tied to it. */
  readonly keys: Set<string>
  deadlineMs: number
  timer: Timer | undefined
}

const remainingMs = ({ clock, deadlineMs }: StoredSession): number =>
  deadlineMs - clock.monotonicMs()

/** The sessions and their expiry, which can be halted: a frozen or dead server expires nothing. */
export class SessionTable {
  readonly #sessions = new Map<string, StoredSession>()
  readonly #expire: (session: StoredSession) => void
  #running = false

  /** `expire` is called with each session that ran out, after it has left the table. */
  constructor(expire: (session: StoredSession) => void) {
    this.#expire = expire
  }

  get(id: string): StoredSession | undefined {
    return this.#sessions.get(id)
  }

  ids(): readonly string[] {
    return [...this.#sessions.keys()]
  }

  add(session: Omit<StoredSession, 'keys' | 'deadlineMs' | 'timer'>): void {
    const deadlineMs = session.clock.monotonicMs() + session.ttlMs
    const added = { ...session, keys: new Set<string>(), deadlineMs, timer: undefined }
    this.#sessions.set(added.id, added)
    this.#arm(added)
  }

  /** A heartbeat. False when there is no such session any more. */
  renew(id: string): boolean {
    const session = this.#sessions.get(id)
    if (session) session.deadlineMs = session.clock.monotonicMs() + session.ttlMs
    return session !== undefined
  }

  delete(id: string): StoredSession | undefined {
    const session = this.#sessions.get(id)
    session?.timer?.cancel()
    this.#sessions.delete(id)
    return session
  }

  clear(): void {
    for (const id of this.ids()) this.delete(id)
  }

  /** Gives every session its full ttl again, as etcd does when it starts or elects a leader. */
  renewAll(): void {
    for (const id of this.ids()) this.renew(id)
  }

  /** No session expires until `run`. Deadlines stay where they are. */
  halt(): void {
    this.#running = false
    for (const session of this.#sessions.values()) {
      session.timer?.cancel()
      session.timer = undefined
    }
  }

  /** Expires at once what ran out meanwhile, the longest overdue first, and times the rest. */
  run(): void {
    if (this.#running) return
    this.#running = true
    const sessions = [...this.#sessions.values()]
    sessions.sort((a, b) => remainingMs(a) - remainingMs(b))
    for (const session of sessions) this.#check(session)
  }

  #check(session: StoredSession): void {
    if (remainingMs(session) > 0) return this.#arm(session)
    this.delete(session.id)
    this.#expire(session)
  }

  /** A heartbeat only moves the deadline; the timer finds out when it fires. */
  #arm(session: StoredSession): void {
    if (!this.#running) return
    session.timer = session.clock.setTimer(Math.max(0, remainingMs(session)), () => {
      session.timer = undefined
      this.#check(session)
    })
  }
}
