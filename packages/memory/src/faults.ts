/**
 * Simulates the faults of real servers and networks, for tests.
 * @module
 */
import {
  type DriverFactory,
  jsonFormat,
  type RegistryDriver,
  type RegistryErrorCode,
  type WireFormat,
} from '@sd/core/driver'
import type { StoredRecord } from './keyspace.ts'
import type { MemoryOperation } from './memory-server.ts'
import { type MemoryStore, resolveStore } from './memory-store.ts'

export type { MemoryOperation } from './memory-server.ts'

/** The records that `writeRaw`, `readRaw` and `deleteRecord` refer to. */
export interface MemoryFaultsOptions {
  /** Default `services`. */
  readonly namespace?: string | undefined
  /** The format that encodes a record's key. Default the JSON format. */
  readonly format?: WireFormat | undefined
}

/**
 * Makes the server of a `MemoryStore`, and the network to it, fail. Each fault takes effect at
 * once, on the clocks of the affected drivers. Ending an inactive fault does nothing.
 */
export class MemoryFaults {
  readonly #store: MemoryStore
  readonly #namespace: string
  readonly #format: WireFormat

  /** `store` is a store, or the name of a process-wide one; the default is that of `memory:`. */
  constructor(store?: MemoryStore | string, options: MemoryFaultsOptions = {}) {
    this.#store = resolveStore(store)
    this.#namespace = options.namespace ?? 'services'
    this.#format = options.format ?? jsonFormat
  }

  /**
   * Kills the server: connections break and calls fail at once with `unavailable`. Data and
   * sessions are kept, as on a server that persists them. Ends a `pause`.
   */
  stop(): void {
    this.#store.server.stop()
  }

  /** Starts the server again. Every session starts with its full ttl, as after a start of etcd. */
  start(): void {
    this.#store.server.start()
  }

  /**
   * Erases all records, sessions and history. A running server is killed and started again, so its
   * connections break; a stopped one stays stopped.
   */
  wipe(): void {
    this.#store.server.exchange(() => this.#store.wipe())
  }

  /** Freezes the server, like SIGSTOP: calls and observations hang. */
  pause(): void {
    this.#store.server.pause()
  }

  /**
   * Resumes a frozen server. First, sessions whose ttl ran out expire, as ordinary changes. Then
   * the calls received meanwhile run in order, also those that their callers aborted.
   */
  resume(): void {
    this.#store.server.resume()
  }

  /**
   * Cuts a client off until disposed of: a driver, every driver of a factory, or all clients if
   * omitted. Its calls and observations hang and receive nothing; on the server its sessions
   * expire. Its requests arrive when the network heals, also aborted ones. If the server was
   * restarted meanwhile, the connection breaks with `unavailable` instead.
   */
  partition(client?: RegistryDriver | DriverFactory): AsyncDisposable {
    const heal = this.#store.server.cut(client)
    return {
      [Symbol.asyncDispose]: async (): Promise<void> => heal(),
    }
  }

  /**
   * Delays every reply and every observation by `delayMs`, in order; 0 ends it. Calls still take
   * effect at once, so a call that timed out was executed.
   */
  slow(delayMs: number): void {
    this.#store.server.replyDelayMs = delayMs
  }

  /** Delays every put by `delayMs`, also an aborted one; later calls overtake it. 0 ends it. */
  delayWrites(delayMs: number): void {
    this.#store.server.putDelayMs = delayMs
  }

  /** The next `times` calls fail with `code` and have no effect. Only calls of `operation`, if given. */
  failNext(code: RegistryErrorCode, times = 1, operation?: MemoryOperation): void {
    for (let count = 0; count < times; count += 1)
      this.#store.server.failures.push({ code, operation })
  }

  /** The next `times` puts take effect, but fail with `unavailable`: their outcome is unknown. */
  dropReplies(times = 1): void {
    this.#store.server.repliesToLose = times
  }

  /**
   * Refuses writes and removals of the instances of `service`, or of all services if omitted, with
   * `permission-denied` until disposed of. Refuses each instance alone, or (`wholeBatch`) its whole
   * batch, as etcd does.
   */
  denyWrites(service?: string, { wholeBatch = false }: { wholeBatch?: boolean } = {}): Disposable {
    const { denied } = this.#store.server
    denied.set(service, { wholeBatch })
    return { [Symbol.dispose]: () => void denied.delete(service) }
  }

  /** Ends every lasting fault above; a stopped server starts. */
  heal(): void {
    this.#store.server.heal()
  }

  /** Expires a session and its records, as if its ttl had run out; without an id, all sessions. */
  expireSession(sessionId?: string): void {
    const ids = sessionId === undefined ? this.#store.sessions.ids() : [sessionId]
    this.#whenAwake(() => {
      for (const id of ids) this.#store.endSession(id)
    })
  }

  /** Discards the history, like a compaction: resuming from before throws `cursor-expired`. */
  loseHistory(): void {
    this.#store.forgetHistory()
  }

  /**
   * Backs up the present records and sessions. `restore` restores them, as an operator restores a
   * backup: a running server is killed and started again, later writes are lost, every session of
   * the backup starts with its full ttl, and old cursors expire.
   */
  backUp(): { restore(): void } {
    const restore = this.#store.backUp()
    return { restore: () => this.#store.server.exchange(restore) }
  }

  /** Removes a record of any owner. */
  deleteRecord(service: string, id: string): void {
    this.#whenAwake(() => {
      const stored = this.#stored(service, id)
      if (stored) this.#store.commit(this.#namespace, [{ key: stored.key, value: undefined }])
    })
  }

  /**
   * Writes any bytes under the key of that instance's record. The new record belongs to no session
   * and stays until it is removed, unless `keepSession` keeps the session of the previous record.
   */
  writeRaw(
    service: string,
    id: string,
    bytes: Uint8Array,
    { keepSession = false }: { keepSession?: boolean } = {},
  ): void {
    const value = bytes.slice()
    this.#whenAwake(() => {
      const key = this.#format.key({ service, id }, '')
      const sessionId = keepSession ? this.#stored(service, id)?.sessionId : undefined
      this.#store.commit(this.#namespace, [{ key, value, sessionId }])
    })
  }

  /** The bytes of an instance's record, in any state of the server. */
  readRaw(service: string, id: string): Uint8Array | undefined {
    return this.#stored(service, id)?.value.slice()
  }

  #stored(service: string, id: string): StoredRecord | undefined {
    return this.#store.get(this.#namespace, this.#format.key({ service, id }, ''))
  }

  /** A frozen server applies no change, not even one from a test. */
  #whenAwake(change: () => void): void {
    this.#store.server.whenAwake(change)
  }
}
