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
  HeartbeatWorker,
  type InstanceRecord,
  type Observation,
  type Progress,
  RegistryError,
  type RegistryDriver,
  type Scope,
  type ServiceInstance,
} from '@sd/core/driver'
import { EtcdConnection } from './client/etcd-connection.ts'
import { EtcdCredentials } from './client/etcd-credentials.ts'
import * as methods from './client/methods.ts'
import { PageSize } from './client/page-size.ts'
import { WatchStreams } from './client/watch-streams.ts'
import { defaultNamespace, type EtcdConfig, secureContextOf, validateEtcdConfig } from './config.ts'
import { backend, etcdError } from './errors.ts'
import { observe, type Observer } from './etcd-observe.ts'
import { readRange, readScope } from './etcd-read.ts'
import { EtcdSession } from './etcd-session.ts'
import { KeySpace } from './keys.ts'
import { maxBatch } from './session/conditional-store.ts'
import { atRevision, type Store, transact } from './client/kv.ts'

/**
 * The capabilities of etcd. A transaction holds 128 operations and a request 1.5 MiB by default
 * (`--max-txn-ops`, `--max-request-bytes`).
 */
const capabilities: Capabilities = Object.freeze({
  list: 'linearizable',
  atomicClaim: true,
  resume: false,
  deltas: true,
  tls: true,
  minTtlMs: 1000,
  maxBatch,
  maxRecordBytes: 1_000_000,
})

const heartbeatThread = new URL(
  `./session/heartbeat-thread${extname(import.meta.url)}`,
  import.meta.url,
)

class EtcdDriver implements RegistryDriver {
  readonly backend = backend
  readonly capabilities = capabilities
  readonly servers: readonly string[]
  readonly #connections = new Set<EtcdConnection>()
  readonly #calls: EtcdConnection
  readonly #heartbeats: EtcdConnection
  readonly #store: Store
  readonly #observer: Observer
  readonly #sessions = new Map<string, EtcdSession>()
  readonly #context: DriverContext
  readonly #worker: HeartbeatWorker | undefined

  constructor(config: EtcdConfig, context: DriverContext) {
    this.servers = config.endpoints
    this.#context = context
    this.#worker = HeartbeatWorker.create({ script: heartbeatThread, config, context })
    const credentials = new EtcdCredentials(config)
    const options = {
      config,
      context,
      credentials,
      secureContext: secureContextOf(config),
      connections: this.#connections,
    }
    this.#calls = new EtcdConnection(options)
    this.#heartbeats = new EtcdConnection(options)
    const { format, clock } = context
    const namespace = config.namespace ?? format.defaultNamespace ?? defaultNamespace
    const keys = new KeySpace(namespace, format)
    this.#store = { calls: this.#calls, keys, pages: new PageSize(clock), format }
    const watches = new WatchStreams(new EtcdConnection(options), credentials)
    this.#observer = { store: this.#store, watches, credentials }
  }

  lastSeen(): string | undefined {
    // that of the calls is the first
    return [...this.#connections].map(({ lastSeen }) => lastSeen).find((seen) => seen !== undefined)
  }

  async openSession(
    { ttlMs }: { readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<DriverSession> {
    if (this.#worker !== undefined) await abortable(this.#worker.start(), signal)
    const openedAtMs = this.#context.clock.monotonicMs()
    const { ID, TTL, error } = await this.#calls.call(
      'open-session',
      methods.leaseGrant,
      { TTL: Math.ceil(ttlMs / 1000) },
      signal,
    )
    if (error !== '') throw etcdError('internal', 'open-session', error)
    const session = new EtcdSession(ID, Number(TTL) * 1000, {
      store: this.#store,
      heartbeats: this.#heartbeats,
      sessions: this.#sessions,
    })
    return this.#worker?.hold(session, openedAtMs) ?? session
  }

  list(scope: Scope, signal: AbortSignal, progress?: Progress): Promise<Contents> {
    return readScope(this.#store, scope, signal, progress)
  }

  /** Ignores the cursor: see `observe`. */
  observe(
    scope: Scope,
    _cursor: Cursor | undefined,
    signal: AbortSignal,
    progress?: Progress,
  ): AsyncIterable<Observation> {
    return observe(this.#observer, scope, signal, progress)
  }

  async probe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (await this.#observer.watches.probe(signal)) return
    const range = this.#store.keys.range({ all: true })
    const request = { ...range, limit: 1, keys_only: true }
    try {
      await this.#calls.probe(methods.range, request, signal)
    } catch (error) {
      // a refusal also proves that the server answers
      if (!(error instanceof RegistryError && error.code === 'permission-denied')) throw error
    }
  }

  /** `ignore_lease` keeps the record on its owner's lease. */
  async edit(
    record: InstanceRecord,
    instance: ServiceInstance,
    signal: AbortSignal,
  ): Promise<EditOutcome> {
    const store = this.#store
    const { service } = instance
    const key = store.keys.absolute(record.key)
    const [kv] = (await readRange(store, 'edit', { key }, signal, service)).kvs
    const edited = editedValue(store.format, record, kv?.value, instance)
    if (typeof edited === 'string') return edited
    const put = { request_put: { key, value: Buffer.from(edited), ignore_lease: true } }
    const compare = [atRevision(key, kv?.mod_revision ?? '0')]
    const { succeeded } = await transact(
      store,
      'edit',
      { compare, success: [put] },
      signal,
      service,
    )
    return succeeded ? 'edited' : 'changed'
  }

  async diagnose(signal: AbortSignal): Promise<Diagnosis> {
    const { version, dbSize, errors } = await this.#calls.call(
      'diagnose',
      methods.status,
      {},
      signal,
    )
    return {
      serverVersion: version,
      limits: [
        `database size ${dbSize} bytes (writes stop at --quota-backend-bytes, 2 GiB by default)`,
        'at most 125 instances and about 1 MB in one transaction',
        ...errors.map((error) => `alarm: ${error}`),
      ],
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#observer.watches.close()
    const ended = this.#worker?.[Symbol.asyncDispose]()
    for (const session of this.#sessions.values()) session.abandon()
    this.#sessions.clear()
    for (const connection of this.#connections) connection.close()
    await ended
  }
}

/**
 * Returns a factory of etcd drivers. Throws `invalid-config` at once when `config` is invalid. A
 * driver connects at its first call.
 */
export const etcd = (config: EtcdConfig): DriverFactory => {
  const checked = validateEtcdConfig(config)
  return (context) => new EtcdDriver(checked, context)
}
