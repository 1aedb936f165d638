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
  type RegistryDriver,
  type Scope,
  type ServiceInstance,
} from '@sd/core/driver'
import { createZooKeeperClient } from './client/create-client.ts'
import type { ZooKeeperClient } from './client/zookeeper-client.ts'
import { ReleaseCheck } from './client/release-check.ts'
import { serverVersion } from './client/server-version.ts'
import { defaultNamespace, type ZooKeeperConfig, validateZooKeeperConfig } from './config.ts'
import { isCode } from './client/zookeeper-error.ts'
import { backend, toRegistryError, zookeeperError } from './errors.ts'
import { heartbeat } from './client/round-trips.ts'
import { Keys } from './keys.ts'
import { Reader } from './reader/reader.ts'
import type { ReaderConnection } from './reader/reader-connection.ts'
import { parentOf, readNodes } from './session/existing-nodes.ts'
import { ParentVersions } from './session/parent-versions.ts'
import { observe } from './zookeeper-observe.ts'
import { readScope, serviceIn } from './reader/read-scope.ts'
import { ZooKeeperSession } from './zookeeper-session.ts'

/** ZooKeeper's capabilities over this client. A request holds 1 MiB by default (`jute.maxbuffer`). */
const capabilities: Capabilities = Object.freeze({
  list: 'linearizable',
  atomicClaim: true,
  resume: false,
  deltas: true,
  tls: true,
  // the server itself clamps a ttl to between two and twenty of its ticks
  minTtlMs: 1_000,
  maxBatch: 125,
  maxRecordBytes: 980_000,
})

const heartbeatThread = new URL(
  `./session/heartbeat-thread${extname(import.meta.url)}`,
  import.meta.url,
)

class ZooKeeperDriver implements RegistryDriver {
  readonly backend = backend
  readonly capabilities = capabilities
  readonly servers: readonly string[]
  readonly #config: ZooKeeperConfig
  readonly #context: DriverContext
  readonly #keys: Keys
  readonly #reader: Reader
  readonly #sessions = new Map<string, ZooKeeperSession>()
  /** Clients of sessions that are being opened. */
  readonly #connecting = new Set<ZooKeeperClient>()
  readonly #closed = new AbortController()
  readonly #release: ReleaseCheck
  readonly #worker: HeartbeatWorker | undefined

  constructor(config: ZooKeeperConfig, context: DriverContext) {
    this.servers = config.hosts
    this.#config = config
    this.#context = context
    this.#worker = HeartbeatWorker.create({ script: heartbeatThread, config, context })
    const { format } = context
    const namespace = config.namespace ?? format.defaultNamespace ?? defaultNamespace
    this.#keys = new Keys(namespace, format)
    this.#release = new ReleaseCheck(config, context.clock, this.#closed.signal)
    this.#reader = new Reader(config, context, this.#release)
  }

  /** Of the connection about which there is the most to complain. */
  lastSeen(): string | undefined {
    const { lastSeen } = this.#reader
    const all = [
      ...(lastSeen === undefined ? [] : [lastSeen]),
      ...Array.from(this.#connecting, (client) => client.lastSeen),
      ...[...new Set(this.#sessions.values())].flatMap((session) => session.lastSeen),
    ]
    return all.toSorted((one, other) => other.silentMs - one.silentMs)[0]?.text
  }

  async openSession(
    { ttlMs }: { readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<DriverSession> {
    if (this.#worker !== undefined) await abortable(this.#worker.start(), signal)
    const connect = (under: AbortSignal): Promise<ZooKeeperClient> => this.#connect(ttlMs, under)
    const client = await connect(signal)
    const [keys, reader, sessions] = [this.#keys, this.#reader, this.#sessions]
    const { clock } = this.#context
    const lastSeen = (): string | undefined => this.lastSeen()
    return new ZooKeeperSession(client, connect, { keys, clock, reader, sessions, lastSeen })
  }

  list(scope: Scope, signal: AbortSignal, progress?: Progress): Promise<Contents> {
    return this.#reader.call(
      'list',
      signal,
      async (connection) => {
        const stop = connection.onAnswer(progress)
        try {
          await connection.barrier(signal)
          return await readScope(this.#keys, connection, scope, signal)
        } finally {
          stop()
        }
      },
      serviceIn(scope),
    )
  }

  observe(
    scope: Scope,
    _cursor: Cursor | undefined,
    signal: AbortSignal,
    progress?: Progress,
  ): AsyncIterable<Observation> {
    return observe(this.#keys, this.#reader, scope, signal, progress)
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#reader.call('probe', signal, (connection) => heartbeat(connection, signal))
  }

  /** Sets the data of the owner's node. The node stays in its owner's session. */
  edit(
    record: InstanceRecord,
    instance: ServiceInstance,
    signal: AbortSignal,
  ): Promise<EditOutcome> {
    const keys = this.#keys
    const { key } = record
    const reading = {
      keys,
      parentVersions: new ParentVersions(),
      operation: 'edit',
      tiedTo: (owner: string) => owner,
    }
    const work = async (client: ReaderConnection): Promise<EditOutcome> => {
      const [found] = await readNodes(client, reading, [key], signal)
      const data = editedValue(keys.format, record, found?.existing?.value, instance)
      if (typeof data === 'string') return data
      const { parent, node } = found?.revision ?? {}
      const path = keys.path(key)
      const fence = {
        type: 'check',
        path: keys.path(parentOf(key)),
        version: parent?.version ?? 0,
      } as const
      const set = { type: 'set', path, data, version: node?.version ?? 0 } as const
      try {
        await client.multi([fence, set], signal)
      } catch (error) {
        if (isCode(error, 'NO_NODE', 'BAD_VERSION')) return 'changed'
        throw error
      }
      return 'edited'
    }
    return this.#reader.call('edit', signal, work, instance.service)
  }

  async diagnose(signal: AbortSignal): Promise<Diagnosis> {
    const { root } = this.#keys
    const parents = await this.#reader.call('diagnose', signal, (connection) =>
      connection.exists(root, signal),
    )
    return {
      serverVersion: await serverVersion(this.#config, this.#context.clock, signal),
      limits: [
        `${root} has ${parents?.childCount ?? 0} service nodes; nodes of empty services stay`,
        'a ttl is clamped to 2 … 20 ticks of the server (4 … 40 s at ticks of 2 s)',
        'at most 125 instances and about 1 MB in one transaction (jute.maxbuffer)',
        'one connection for each process and 512 KB of paths that it registers, one more to list and watch (maxClientCnxns, 60 for each address by default)',
      ],
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(zookeeperError('closed', 'open-session', 'the driver is closed'))
    const ended = this.#worker?.[Symbol.asyncDispose]()
    for (const session of new Set(this.#sessions.values())) session.abandon()
    this.#sessions.clear()
    await this.#reader.close()
    await ended
  }

  /** Opens a ZooKeeper session on a connection of its own. */
  async #connect(sessionTimeoutMs: number, signal: AbortSignal): Promise<ZooKeeperClient> {
    const open = AbortSignal.any([signal, this.#closed.signal])
    open.throwIfAborted()
    const context = this.#context
    const worker = this.#worker
    const client = createZooKeeperClient({ ...this.#config, sessionTimeoutMs, context, worker })
    this.#connecting.add(client)
    try {
      await client.connect(open)
      // before the first write, so that nothing stays in a server that is too old
      await abortable(this.#release.check(client), open)
    } catch (cause) {
      client.close(AbortSignal.abort()).catch(() => {})
      if (open.aborted) throw open.reason
      throw toRegistryError(cause, 'open-session')
    } finally {
      this.#connecting.delete(client)
    }
    return client
  }
}

/**
 * A factory of ZooKeeper drivers. Throws `invalid-config` at once when `config` is wrong; no
 * connection is made before the first call.
 */
export const zookeeper = (config: ZooKeeperConfig): DriverFactory => {
  const checked = validateZooKeeperConfig(config)
  return (context) => new ZooKeeperDriver(checked, context)
}
