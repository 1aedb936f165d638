import type {
  Capabilities,
  Contents,
  Cursor,
  DriverContext,
  DriverFactory,
  DriverSession,
  Observation,
  RegistryDriver,
  Scope,
} from '@sd/core/driver'
import { type ZookeeperConfig, validateZookeeperConfig } from './config.ts'
import { attempt, backend, notWritten } from './errors.ts'
import { Keys } from './keys.ts'
import { observe } from './zookeeper-observe.ts'
import { ZookeeperSession } from './zookeeper-session.ts'

/** Little is promised here: raise each when it is written, and the suite will ask for it. */
const capabilities: Capabilities = {
  // a list sees every acknowledged write; `session` when it may lag behind other clients' writes
  list: 'linearizable',
  // `put` compares claims and writes in one step on the server
  atomicClaim: true,
  // `observe` can go on from a cursor
  resume: false,
  // a change costs what changed; without, every change is a whole snapshot
  deltas: false,
  tls: false,
  // shorter and longer ttls are refused before any I/O
  minTtlMs: 1_000,
  // most instances in one `put`, `remove` or `audit`
  maxBatch: 100,
  maxRecordBytes: 100_000,
}

class ZookeeperDriver implements RegistryDriver {
  readonly backend = backend
  readonly capabilities = capabilities
  readonly #config: ZookeeperConfig
  readonly #keys: Keys

  /** Does no I/O: the first call connects. */
  constructor(config: ZookeeperConfig, { format }: DriverContext) {
    this.#config = config
    // `context.clock`, `.random` and `.report` are the only way to time, chance and reporting
    this.#keys = new Keys(config.namespace ?? 'services', format)
  }

  async openSession(
    { ttlMs }: { readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<DriverSession> {
    const granted = await attempt('openSession', signal, () => this.#grant(ttlMs))
    return new ZookeeperSession(this.#keys, granted.id, granted.ttlMs)
  }

  list(scope: Scope, signal: AbortSignal): Promise<Contents> {
    // all below `prefix`, each read by `keys.read`; for `{ names: true }` only `names` counts
    return attempt('list', signal, () => this.#readAll(this.#keys.prefix(scope)))
  }

  observe(
    scope: Scope,
    cursor: Cursor | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Observation> {
    return observe(this.#keys, scope, cursor, signal)
  }

  /** A cheap round trip on the connection that carries the watches. */
  probe(signal: AbortSignal): Promise<void> {
    return attempt('probe', signal, async () => {
      throw notWritten('probe')
    })
  }

  /** Ends every connection and observation. Sessions that were not closed live on for their ttl. */
  async [Symbol.asyncDispose](): Promise<void> {}

  /** A lease, a session, a set of checks: whatever makes records disappear with their owner. */
  async #grant(ttlMs: number): Promise<{ readonly id: string; readonly ttlMs: number }> {
    // the ttl that the server granted, not the one that was asked for
    throw notWritten(`openSession (ttl ${ttlMs} ms, ${this.#config.endpoint})`)
  }

  async #readAll(_prefix: string): Promise<Contents> {
    throw notWritten('list')
  }
}

/**
 * A factory of zookeeper drivers. Throws `invalid-config` at once when `config` is wrong; no
 * connection is made before the first call.
 */
export const zookeeper = (config: ZookeeperConfig): DriverFactory => {
  const checked = validateZookeeperConfig(config)
  return (context) => new ZookeeperDriver(checked, context)
}
