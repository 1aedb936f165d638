import { extname } from 'node:path'
import {
  abortable,
  type Capabilities,
  type Contents,
  type Cursor,
  type Diagnosis,
  type DriverContext,
  type DriverFactory,
  type DriverSession,
  editedValue,
  type EditOutcome,
  type HeartbeatConfig,
  HeartbeatWorker,
  type InstanceRecord,
  type Observation,
  type RegistryDriver,
  type Scope,
  type ServiceInstance,
} from '@sd/core/driver'
import { ChangeFeed } from './client/change-feed.ts'
import { StoreClient } from './client/store-client.ts'
import { type SqliteConfig, validateSqliteConfig } from './config.ts'
import { backend, sqliteError } from './errors.ts'
import { observe, type Observer, readScope } from './sqlite-observe.ts'
import { maxBatch, SqliteSession } from './sqlite-session.ts'
import type { StoredRecord, StoreOptions } from './worker/store-api.ts'

const capabilities: Capabilities = Object.freeze({
  list: 'linearizable',
  atomicClaim: true,
  resume: true,
  deltas: true,
  tls: false,
  // leaves a heartbeat time to wait while other processes hold the lock
  minTtlMs: 500,
  maxBatch,
  maxRecordBytes: 1_000_000,
})

const heartbeatThread = new URL(
  `./session/heartbeat-thread${extname(import.meta.url)}`,
  import.meta.url,
)

class SqliteDriver implements RegistryDriver {
  readonly backend = backend
  readonly capabilities = capabilities
  readonly #context: DriverContext
  readonly #observer: Observer
  readonly #ownSessions = new Set<string>()
  readonly #worker: HeartbeatWorker | undefined

  constructor(config: StoreOptions & HeartbeatConfig, context: DriverContext) {
    this.#context = context
    this.#worker = HeartbeatWorker.create({ script: heartbeatThread, config, context })
    const client = new StoreClient(config, context)
    const feed = new ChangeFeed(client)
    this.#observer = { client, feed, format: context.format }
  }

  async openSession(
    { ttlMs }: { readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<DriverSession> {
    if (this.#worker !== undefined) await abortable(this.#worker.start(), signal)
    const { client, format } = this.#observer
    const openedAtMs = this.#context.clock.monotonicMs()
    const id = this.#context.random.id(16)
    await client.call('open-session', signal, 'openSession', id, ttlMs)
    const context = { client, format, ownSessions: this.#ownSessions }
    const session = new SqliteSession(context, id, ttlMs)
    return this.#worker?.hold(session, openedAtMs) ?? session
  }

  async list(scope: Scope, signal: AbortSignal): Promise<Contents> {
    return (await readScope(this.#observer, 'list', scope, signal)).contents
  }

  observe(
    scope: Scope,
    cursor: Cursor | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Observation> {
    return observe(this.#observer, scope, cursor, signal)
  }

  /** Takes the write lock: while no process can write, there is nothing new to observe. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#observer.client.call('probe', signal, 'probe')
    this.#observer.feed.alive()
  }

  async edit(
    record: InstanceRecord,
    instance: ServiceInstance,
    signal: AbortSignal,
  ): Promise<EditOutcome> {
    const { client, format } = this.#observer
    const [stored] = await client.call('edit', signal, 'find', [record.key])
    const value = editedValue(format, record, stored?.document, instance)
    if (typeof value === 'string') return value
    const { key, session, revision: expected } = stored as StoredRecord
    const write = { key, document: new Uint8Array(value), expected }
    const written = await client.call('edit', signal, 'write', session, [write])
    if (written === undefined) return 'absent'
    return written[0] === 'changed' ? 'changed' : 'edited'
  }

  async diagnose(signal: AbortSignal): Promise<Diagnosis> {
    const { client } = this.#observer
    const { sqliteVersion, bytes, sessions } = await client.call('diagnose', signal, 'describe')
    return {
      serverVersion: `SQLite ${sqliteVersion}`,
      limits: [
        `${client.path}: ${bytes} bytes, ${sessions} processes`,
        'one machine: every process must see the file on the same local disk',
        'one writer at a time; a write waits up to 2 s for the others',
      ],
    }
  }

  /** Sessions that were not closed last for their ttl, or until the process ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#observer.feed.close(sqliteError('closed', 'observe', 'the driver is disposed'))
    await Promise.all([this.#worker?.[Symbol.asyncDispose](), this.#observer.client.close()])
  }
}

/**
 * Returns a factory of drivers on one SQLite file, which the processes of one machine share. Throws
 * `invalid-config` at once when `config` is invalid. A driver opens the file at its first call.
 */
export const sqlite = (config: SqliteConfig = {}): DriverFactory => {
  const checked = validateSqliteConfig(config)
  return (context) => new SqliteDriver(checked, context)
}
