import type { Clock, Timer } from '@sd/core/driver'

/** A stored session. */
export interface StoredSession {
  readonly id: string
  readonly namespace: string
  readonly ttlMs: number
  /**
   * The clock of the driver that opened it. With a clock for each session, one process-wide store
   * serves drivers on virtual clocks and on real ones.
   */
  readonly clock: Clock
  /** The keys of its records. */
  readonly keys: Set<string>
  /** What other sessions wrote in place of its records, by key: tells it of takeovers. */
  readonly replaced: Map<string, Uint8Array>
  deadlineMs: number
  timer: Timer | undefined
}

const remainingMs = ({ clock, deadlineMs }: StoredSession): number =>
  deadlineMs - clock.monotonicMs()

/** The sessions and their expiry. Expiry can be halted: a frozen or dead server expires nothing. */
export class SessionTable {
  readonly #sessions = new Map<string, StoredSession>()
  readonly #expire: (session: StoredSession) => void
  #running = false

  /** `expire` receives each expired session after its removal from the table. */
  constructor(expire: (session: StoredSession) => void) {
    this.#expire = expire
  }

  get(id: string): StoredSession | undefined {
    return this.#sessions.get(id)
  }

  ids(): readonly string[] {
    return [...this.#sessions.keys()]
  }

  add(session: Pick<StoredSession, 'id' | 'namespace' | 'ttlMs' | 'clock'>): void {
    const added: StoredSession = {
      ...session,
      keys: new Set(),
      replaced: new Map(),
      deadlineMs: session.clock.monotonicMs() + session.ttlMs,
      timer: undefined,
    }
    this.#sessions.set(added.id, added)
    this.#arm(added)
  }

  /** Renews a session. False if it no longer exists. */
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

  /** Restarts the full ttl of every session, as etcd does when it starts or elects a leader. */
  renewAll(): void {
    for (const id of this.ids()) this.renew(id)
  }

  /** Halts expiry until `run`. Deadlines stay unchanged. */
  halt(): void {
    this.#running = false
    for (const session of this.#sessions.values()) {
      session.timer?.cancel()
      session.timer = undefined
    }
  }

  /** Expires overdue sessions at once, the longest overdue first, and sets a timer for the rest. */
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

  /** A heartbeat only moves the deadline; the timer checks the deadline when it fires. */
  #arm(session: StoredSession): void {
    if (!this.#running) return
    session.timer = session.clock.setTimer(Math.max(0, remainingMs(session)), () => {
      session.timer = undefined
      this.#check(session)
    })
  }
}
