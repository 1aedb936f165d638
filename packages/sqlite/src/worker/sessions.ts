import type { OpenFile } from './open-file.ts'
import { isGone, ownIdentity, type ProcessIdentity } from './process-identity.ts'
import { type Moment, silenceMs, stallMs, type StoredSession } from './session-expiry.ts'

/** All sessions, or the one with that id. */
const read = (file: OpenFile, id?: string): readonly StoredSession[] =>
  file
    .statement(`SELECT * FROM sessions ${id === undefined ? '' : 'WHERE id = ?'}`)
    .all(...(id === undefined ? [] : [id]))
    .map((row) => ({
      id: String(row['id']),
      ttlMs: Number(row['ttl_ms']),
      renewedMs: Number(row['renewed_ms']),
      renewedAtMs: Number(row['renewed_at_ms']),
      pid: Number(row['pid']),
      pidStarted: row['pid_started'] as string | null,
      pidNamespace: row['pid_namespace'] as string | null,
      boot: row['boot'] as string | null,
    }))

/** The system's monotonic clock, which all processes share. */
const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000_000n)

/** The present time; SQLite provides the wall clock. */
const moment = (file: OpenFile): Moment => ({
  monotonicMs: monotonicMs(),
  wallMs: Number(
    file.statement(`SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS ms`).get()?.['ms'],
  ),
})

/** A process that watches or has a registration writes more often than this. */
const seldomMs = 10_000

/**
 * A write that failed this long ago was given up: the file may have been free since. A renewal that
 * fails is repeated sooner, after a 24th of its ttl at the latest.
 */
const abandonedMs = 60_000

/** The sessions of one file. A session expires by its ttl, or when its process has ended. */
export class Sessions {
  readonly #own: ProcessIdentity = ownIdentity()
  /** When this process first failed to write; `undefined` while it can write. */
  #blockedSinceMs: number | undefined
  /** When it last failed to. */
  #failedMs = Number.NEGATIVE_INFINITY

  /** When this process last wrote. */
  #wroteMs = Number.NEGATIVE_INFINITY

  /** Excludes the time until the next `unblocked` from every session's ttl, unless it is given up. */
  blocked(): void {
    const now = monotonicMs()
    this.#forgetBlock(now)
    this.#blockedSinceMs ??= now
    this.#failedMs = now
  }

  unblocked(): void {
    this.#blockedSinceMs = undefined
    this.#wroteMs = monotonicMs()
  }

  open(file: OpenFile, id: string, ttlMs: number): void {
    const { pid, pidStarted, pidNamespace, boot } = this.#own
    const now = moment(file)
    file
      .statement('INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(id, ttlMs, now.monotonicMs, now.wallMs, pid, pidStarted, pidNamespace, boot)
  }

  renew(file: OpenFile, id: string): boolean {
    const now = moment(file)
    const { changes } = file
      .statement('UPDATE sessions SET renewed_ms = ?, renewed_at_ms = ? WHERE id = ?')
      .run(now.monotonicMs, now.wallMs, id)
    return changes === 1
  }

  exists(file: OpenFile, id: string): boolean {
    return file.statement('SELECT 1 FROM sessions WHERE id = ?').get(id) !== undefined
  }

  end(file: OpenFile, ids: Iterable<string>): void {
    for (const id of ids) file.statement('DELETE FROM sessions WHERE id = ?').run(id)
  }

  /** Within a write: also ends sessions whose process has ended; checks each process. */
  endExpired(file: OpenFile): void {
    this.end(file, this.expired(file))
  }

  /** Within a write: does the same for one session; returns whether it was expired. */
  endIfExpired(file: OpenFile, id: string): boolean {
    const expired = this.#expired(read(file, id), moment(file))
    this.end(file, expired)
    return expired.has(id)
  }

  /** The sessions that were not renewed for their ttl, or whose process has ended. */
  expired(file: OpenFile): ReadonlySet<string> {
    return this.#expired(read(file), moment(file))
  }

  /**
   * The same while no process can write. Time stops at the last renewal, because no session could
   * be renewed since.
   */
  expiredWhileLocked(file: OpenFile): ReadonlySet<string> {
    const sessions = read(file)
    const now = moment(file)
    const idleMs = this.#sinceLastRenewalMs(sessions, now)
    if (!Number.isFinite(idleMs)) return this.#expired(sessions, now)
    const then = { monotonicMs: now.monotonicMs - idleMs, wallMs: now.wallMs - idleMs }
    // a process that rarely writes cannot know how long the file was locked: assume the longest
    if (now.monotonicMs - this.#wroteMs > seldomMs)
      this.#blockedSinceMs = Math.min(this.#blockedSinceMs ?? now.monotonicMs, then.monotonicMs)
    return this.#expired(sessions, then)
  }

  /** Within a write: ends sessions by their ttl plus the time in which no process could write. */
  expire(file: OpenFile): void {
    const sessions = read(file)
    const now = moment(file)
    // a backward step of the wall clock must not prolong a session
    file
      .statement('UPDATE sessions SET renewed_at_ms = ? WHERE renewed_at_ms > ?')
      .run(now.wallMs, now.wallMs)
    this.#forgetBlock(now.monotonicMs)
    const waitedMs = this.#blockedSinceMs === undefined ? 0 : now.monotonicMs - this.#blockedSinceMs
    const givenMs = stallMs(waitedMs, this.#sinceLastRenewalMs(sessions, now))
    if (givenMs > 0)
      file
        .statement(
          'UPDATE sessions SET renewed_ms = renewed_ms + ?, renewed_at_ms = renewed_at_ms + ?',
        )
        .run(givenMs, givenMs)
    for (const session of sessions)
      if (silenceMs(session, this.#own.boot, now) - givenMs > session.ttlMs)
        this.end(file, [session.id])
  }

  #forgetBlock(nowMs: number): void {
    if (nowMs - this.#failedMs > abandonedMs) this.#blockedSinceMs = undefined
  }

  #expired(sessions: readonly StoredSession[], now: Moment): ReadonlySet<string> {
    const expired = sessions.filter(
      (session) =>
        silenceMs(session, this.#own.boot, now) > session.ttlMs || isGone(session, this.#own),
    )
    return new Set(expired.map(({ id }) => id))
  }

  #sinceLastRenewalMs(sessions: readonly StoredSession[], now: Moment): number {
    return Math.min(
      Number.POSITIVE_INFINITY,
      ...sessions.map((session) => Math.max(0, silenceMs(session, this.#own.boot, now))),
    )
  }
}
