/**
 * Faults to test against: what real servers and networks do, on demand.
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

/** Which records `writeRaw`, `readRaw` and `deleteRecord` mean. */
export interface MemoryFaultsOptions {
  /** Default `services`. */
  readonly namespace?: string | undefined
  /** How a record's key is written. Default the JSON format. */
  readonly format?: WireFormat | undefined
}

/**
 * Makes the server of a `MemoryStore`, and the network to it, fail. All take effect at once, on
 * the clocks of the drivers concerned; ending a fault that is not on does nothing.
 */
export class MemoryFaults {
  readonly #store: MemoryStore
  readonly #namespace: string
  readonly #format: WireFormat

  /** `store` is a store, or the name of a process-wide one; the default is the one of `memory:`. */
  constructor(store?: MemoryStore | string, options: MemoryFaultsOptions = {}) {
    this.#store = resolveStore(store)
    this.#namespace = options.namespace ?? 'services'
    this.#format = options.format ?? jsonFormat
  }

  /**
   * Kills the server: connections break and calls fail, at once, with `unavailable`. Data and
   * sessions are kept, as by a server that persists them. Ends a `pause`.
   */
  stop(): void {
    this.#store.server.stop()
  }

  /** Starts it again. Every session has its full ttl ahead of it, as on an etcd that starts. */
  start(): void {
    this.#store.server.start()
  }

  /**
   * Erases everything: records, sessions and history. A server that is running is killed for it
   * and started again, so its connections break; a stopped one stays stopped.
   */
  wipe(): void {
    this.#store.server.exchange(() => this.#store.wipe())
  }

  /** Freezes the server, like SIGSTOP: calls and observations hang. */
  pause(): void {
    this.#store.server.pause()
  }

  /**
   * Thaws it. First the sessions expire whose ttl ran out in the freeze, as ordinary changes;
   * then the calls made meanwhile run in their order, also those whose caller gave up: the server
   * had received them.
   */
  resume(): void {
    this.#store.server.resume()
  }

  /**
   * Cuts a client off until disposed of: a driver, every driver of a factory, or, without one,
   * all clients. Its calls and observations hang, and it learns of nothing; on the server its
   * sessions expire. What it sent meanwhile arrives when the network heals, also what its caller
   * gave up, unless the server was restarted: then the connection breaks with `unavailable`.
   */
  partition(client?: RegistryDriver | DriverFactory): AsyncDisposable {
    const heal = this.#store.server.cut(client)
    return {
      [Symbol.asyncDispose]: async (): Promise<void> => heal(),
    }
  }

  /**
   * Every reply and every observation comes `delayMs` late, in order; 0 ends it. Calls still take
   * effect at once, so one that timed out has been carried out.
   */
  slow(delayMs: number): void {
    this.#store.server.replyDelayMs = delayMs
  }

  /** Every put lands `delayMs` late, also one whose caller gave up; later calls overtake it. 0 ends it. */
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
   * Writing and removing instances of `service`, or without one of any, is refused with
   * `permission-denied` until disposed of: each by itself, or (`wholeBatch`) together with its
   * neighbours in the batch, as etcd does.
   */
  denyWrites(service?: string, { wholeBatch = false }: { wholeBatch?: boolean } = {}): Disposable {
    const { denied } = this.#store.server
    denied.set(service, { wholeBatch })
    return { [Symbol.dispose]: () => void denied.delete(service) }
  }

  /** Ends every fault above that lasts; a stopped server starts. */
  heal(): void {
    this.#store.server.heal()
  }

  /** Ends a session, with its records, as if its ttl had run out; without an id all sessions. */
  expireSession(sessionId?: string): void {
    const ids = sessionId === undefined ? this.#store.sessions.ids() : [sessionId]
    this.#whenAwake(() => {
      for (const id of ids) this.#store.endSession(id)
    })
  }

  /** Forgets the history, like a compaction: to resume from before throws `cursor-expired`. */
  loseHistory(): void {
    this.#store.forgetHistory()
  }

  /**
   * Keeps all records and sessions of now. `restore` puts them back, as an operator restores a
   * backup: a server that is running is killed for it and started again, what was written since
   * is gone, every session of the backup has its full ttl ahead, and old cursors expire.
   */
  backUp(): { restore(): void } {
    const restore = this.#store.backUp()
    return { restore: () => this.#store.server.exchange(restore) }
  }

  /** Removes a record, whoever owns it. */
  deleteRecord(service: string, id: string): void {
    this.#whenAwake(() => {
      const stored = this.#stored(service, id)
      if (stored) this.#store.commit(this.#namespace, [{ key: stored.key, value: undefined }])
    })
  }

  /**
   * Writes any bytes under the key of that instance's record. They are tied to no session, and so
   * stay until they are removed, unless `keepSession` leaves them tied to the session of what
   * stood there.
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

  /** The bytes of an instance's record, whatever the state of the server. */
  readRaw(service: string, id: string): Uint8Array | undefined {
    return this.#stored(service, id)?.value.slice()
  }

  #stored(service: string, id: string): StoredRecord | undefined {
    return this.#store.get(this.#namespace, this.#format.key({ service, id }, ''))
  }

  /** A frozen server carries nothing out, not even what a test does to it. */
  #whenAwake(change: () => void): void {
    this.#store.server.whenAwake(change)
  }
}
