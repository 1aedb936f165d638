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
  HeartbeatWorker,
  type Observation,
  type Progress,
  type RegistryDriver,
  type Scope,
} from '@sd/core/driver'
import { Catalog } from './catalog/catalog.ts'
import { parseJson } from './catalog/service-entry.ts'
import { ConsulClient, maxBlockingQueries, maxWrites } from './client/consul-client.ts'
import { Semaphore } from './client/semaphore.ts'
import { type ConsulConfig, validateConsulConfig } from './config.ts'
import { observe, type Observer } from './consul-observe.ts'
import { ConsulSession } from './consul-session.ts'
import { backend, consulError } from './errors.ts'
import { LateWrites } from './session/late-writes.ts'

/**
 * Consul's capabilities. A record is stored in at most 63 Meta values of at most 512 bytes. An agent
 * writes some 400 registrations a second, one after the other, and a quarter of that on a busy
 * machine: larger batches would exceed their deadline when eight of them are in flight.
 */
const capabilitiesOf = ({ consistency }: ConsulConfig): Capabilities =>
  Object.freeze({
    list: consistency === 'stale' ? 'session' : 'linearizable',
    atomicClaim: false,
    resume: false,
    // a blocking query answers with the whole service, which the driver compares
    deltas: false,
    tls: true,
    minTtlMs: 1000,
    maxBatch: 16,
    maxRecordBytes: 28_000,
  })

const sessionIdLength = 12

const heartbeatThread = new URL(
  `./session/heartbeat-thread${extname(import.meta.url)}`,
  import.meta.url,
)

class ConsulDriver implements RegistryDriver {
  readonly backend = backend
  readonly capabilities: Capabilities
  readonly carriers = ['value', 'consul-service'] as const
  readonly servers: readonly string[]
  readonly #context: DriverContext
  readonly #client: ConsulClient
  readonly #catalog: Catalog
  readonly #observer: Observer
  readonly #writes: Semaphore
  readonly #ownSessions = new Set<string>()
  readonly #worker: HeartbeatWorker | undefined

  constructor(config: ConsulConfig, context: DriverContext) {
    this.capabilities = capabilitiesOf(config)
    this.servers = [config.endpoint]
    this.#context = context
    this.#worker = HeartbeatWorker.create({ script: heartbeatThread, config, context })
    this.#client = new ConsulClient(config, context.clock)
    this.#catalog = new Catalog(this.#client, context.format, config)
    this.#observer = {
      catalog: this.#catalog,
      permits: new Semaphore(maxBlockingQueries, context.clock),
    }
    this.#writes = new Semaphore(maxWrites, context.clock)
  }

  lastSeen(): string | undefined {
    return this.#client.lastSeen
  }

  async openSession(
    { ttlMs }: { readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<DriverSession> {
    if (this.#worker !== undefined) await abortable(this.#worker.start(), signal)
    const openedAtMs = this.#context.clock.monotonicMs()
    // checks that the agent answers; an agent without a leader accepts registrations, too
    const answer = await this.#client.read(
      { pool: 'heartbeats', path: 'status/leader', operation: 'open-session' },
      signal,
    )
    // with a token that may not read nodes, a put would never see its record in the catalog
    await this.#catalog.assertReadable(answer, 'open-session', undefined, signal)
    const { clock, random, format } = this.#context
    const id = random.id(sessionIdLength)
    const session = new ConsulSession({
      id,
      format,
      ownSessions: this.#ownSessions.add(id),
      ttlMs,
      catalog: this.#catalog,
      clock,
      writes: this.#writes,
      late: new LateWrites(clock, ttlMs),
      published: new Map(),
      heartbeat: undefined,
      services: new Set(),
    })
    return this.#worker?.hold(session, openedAtMs) ?? session
  }

  async list(scope: Scope, signal: AbortSignal, progress?: Progress): Promise<Contents> {
    signal.throwIfAborted()
    if ('service' in scope)
      return this.#catalog.readService(scope.service, 'list', signal, progress)
    const names = await this.#catalog.readLiveNames('list', signal, progress)
    if ('services' in scope) return { records: [], skipped: [], services: names }
    const found = await this.#catalog.readServices(names, 'list', signal, progress)
    return this.#catalog.decodeAll([...found.values()].flat())
  }

  /** The cursor is ignored: Consul keeps no history. */
  observe(
    scope: Scope,
    _cursor: Cursor | undefined,
    signal: AbortSignal,
    progress?: Progress,
  ): AsyncIterable<Observation> {
    return observe(this.#observer, scope, signal, progress)
  }

  /** Asks whether the cluster has a leader, over the pool of the blocking queries. */
  async probe(signal: AbortSignal): Promise<void> {
    const { text } = await this.#client.read(
      { pool: 'watches', path: 'status/leader', operation: 'probe' },
      signal,
    )
    if (parseJson(text, 'probe') === '')
      throw consulError('unavailable', 'probe', 'the cluster has no leader')
  }

  async diagnose(signal: AbortSignal): Promise<Diagnosis> {
    const { text, agentTimeMs } = await this.#client.read(
      { pool: 'calls', path: 'agent/self', operation: 'diagnose' },
      signal,
    )
    const { Config } = parseJson(text, 'diagnose') as { readonly Config: { Version: string } }
    return {
      serverVersion: Config.Version,
      // within the second that the agent's time was rounded down to
      ...(agentTimeMs === undefined
        ? {}
        : { clockOffsetMs: agentTimeMs + 500 - this.#context.clock.nowMs() }),
      limits: [
        'a record of at most 28,000 bytes',
        `at most ${maxBlockingQueries} blocking queries; changes of further watches are seen up to a second later`,
        'one agent takes about 400 registrations and 3,000 passes a second',
        'claims are compared, then written: two owners converge within a ttl',
        "an instance of a crashed owner stays in Consul's own view, critical, for 60 to 90 s",
      ],
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#worker?.[Symbol.asyncDispose](), this.#client.close()])
  }
}

/**
 * A factory of Consul drivers. Throws `invalid-config` at once when `config` is wrong; no
 * connection is made before the first call.
 */
export const consul = (config: ConsulConfig): DriverFactory => {
  const checked = validateConsulConfig(config)
  return (context) => new ConsulDriver(checked, context)
}
