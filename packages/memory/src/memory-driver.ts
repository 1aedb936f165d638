import {
  type Capabilities,
  type Contents,
  type Cursor,
  type DriverContext,
  type DriverFactory,
  type DriverSession,
  editedValue,
  type EditOutcome,
  type InstanceRecord,
  type Observation,
  type RegistryDriver,
  type Scope,
  type ServiceInstance,
} from '@sd/core/driver'
import { type MemoryConfig, validateMemoryConfig } from './config.ts'
import { readContents, type View } from './contents.ts'
import { backend } from './errors.ts'
import { MemoryConnection } from './memory-connection.ts'
import { observe } from './memory-observe.ts'
import { maxBatch, MemorySession } from './memory-session.ts'
import { resolveStore } from './memory-store.ts'

/** One day, because timers count milliseconds in 31 bits. */
const maxTtlMs = 86_400_000

class MemoryDriver implements RegistryDriver {
  readonly backend = backend
  readonly capabilities: Capabilities
  readonly #context: DriverContext
  readonly #view: View
  readonly #connection: MemoryConnection
  readonly #ownSessions = new Set<string>()

  constructor(context: DriverContext, view: View, factory: DriverFactory) {
    const { server, minTtlMs } = view.store
    this.#context = context
    this.#view = view
    this.#connection = new MemoryConnection(server, context.clock, [this, factory])
    this.capabilities = {
      list: 'linearizable',
      atomicClaim: true,
      resume: true,
      deltas: true,
      tls: false,
      minTtlMs,
      maxTtlMs,
      maxBatch,
      maxRecordBytes: 1_000_000,
    }
  }

  async openSession(
    { ttlMs }: { readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<DriverSession> {
    const { store, namespace } = this.#view
    const grantedTtlMs = Math.min(Math.max(ttlMs, store.minTtlMs), maxTtlMs)
    const id = await this.#connection.call('openSession', signal, () =>
      store.openSession(namespace, grantedTtlMs, this.#context.clock),
    )
    const [connection, view, ownSessions] = [this.#connection, this.#view, this.#ownSessions]
    return new MemorySession({ connection, view, ownSessions }, id, grantedTtlMs)
  }

  list(scope: Scope, signal: AbortSignal): Promise<Contents> {
    return this.#connection.call('list', signal, () => readContents(this.#view, scope))
  }

  observe(
    scope: Scope,
    cursor: Cursor | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Observation> {
    return observe(this.#connection, this.#view, scope, cursor, signal)
  }

  /** Also makes every observation send `alive`, which advances its cursor. */
  probe(signal: AbortSignal): Promise<void> {
    return this.#connection.call('probe', signal, () => this.#connection.sendAlive())
  }

  edit(
    record: InstanceRecord,
    instance: ServiceInstance,
    signal: AbortSignal,
  ): Promise<EditOutcome> {
    const { store, namespace, format } = this.#view
    return this.#connection.call('edit', signal, () => {
      const stored = store.get(namespace, record.key)
      const value = editedValue(format, record, stored?.value, instance)
      if (typeof value === 'string') return value
      store.commit(namespace, [{ key: record.key, value, sessionId: stored?.sessionId }])
      return 'edited'
    })
  }

  /** Closes no session: open ones last for their ttl. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close()
  }
}

/**
 * The in-process backend, for tests, for a single process, and as an example of how to write a
 * backend. Throws `invalid-config`.
 */
export const memory = (config: MemoryConfig = {}): DriverFactory => {
  const { namespace = 'services', store } = validateMemoryConfig(config)
  const resolved = resolveStore(store)
  const factory: DriverFactory = (context) =>
    new MemoryDriver(context, { store: resolved, namespace, format: context.format }, factory)
  return factory
}
