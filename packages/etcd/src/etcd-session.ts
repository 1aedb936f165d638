import {
  type Audit,
  type DriverSession,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  RegistryError,
  type RemoveOutcome,
} from '@sd/core/driver'
import type { EtcdConnection } from './client/etcd-connection.ts'
import { KeepAliveStream } from './client/keep-alive-stream.ts'
import { etcdError } from './errors.ts'
import type { Store } from './kv.ts'
import { auditBatch } from './session/audit-batch.ts'
import { putBatch } from './session/put-batch.ts'
import { removeBatch } from './session/remove-batch.ts'
import type { SessionState, Written } from './session/session-state.ts'

/** What a session is made of. */
export interface SessionParts {
  readonly store: Store
  readonly heartbeats: EtcdConnection
  /** The driver's sessions by lease; a session adds itself, and leaves once its lease is gone. */
  readonly sessions: Map<string, EtcdSession>
}

/** One etcd lease, kept alive over one stream, under which everything is written. */
export class EtcdSession implements DriverSession {
  /** The lease's id, as etcd writes it in decimal. */
  readonly id: string
  readonly grantedTtlMs: number
  readonly #store: Store
  readonly #sessions: Map<string, EtcdSession>
  readonly #state: SessionState
  readonly #keepAlive: KeepAliveStream
  readonly #lost = new AbortController()

  constructor(leaseId: string, grantedTtlMs: number, parts: SessionParts) {
    const { store, heartbeats, sessions } = parts
    this.id = leaseId
    this.grantedTtlMs = grantedTtlMs
    this.#store = store
    this.#sessions = sessions.set(leaseId, this)
    this.#state = { leaseId, ownLeases: sessions, written: new Map<string, Written>() }
    this.#keepAlive = new KeepAliveStream(heartbeats, leaseId)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async renew(signal: AbortSignal): Promise<void> {
    const ttl = await this.#watched(this.#keepAlive.beat(signal))
    // LeaseKeepAliveResponse in etcd's rpc.proto: 0 or less when the lease is not found
    if (ttl <= 0n) throw this.#lose('renew')
  }

  put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    return this.#watched(putBatch(this.#store, this.#state, requests, signal))
  }

  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    return this.#watched(removeBatch(this.#store, this.#state, refs, signal))
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const audits = await auditBatch(this.#store, this.#state, refs, signal)
    if (audits.some(({ state }) => state === 'missing')) await this.#checkLease(signal)
    return audits
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#keepAlive.close()
    try {
      await this.#store.calls.call(
        'close',
        (client, options) => client.leaseClient.leaseRevoke({ ID: this.id }, options),
        signal,
      )
    } catch (error) {
      const gone = error instanceof RegistryError && error.code === 'session-lost'
      if (!gone || signal.aborted) throw error
    }
    this.#sessions.delete(this.id)
  }

  /** Ends the heartbeat stream without telling the server: the lease runs out by itself. */
  abandon(): void {
    this.#keepAlive.close()
  }

  async #checkLease(signal: AbortSignal): Promise<void> {
    const { TTL } = await this.#watched(
      this.#store.calls.call(
        'audit',
        (client, options) => client.leaseClient.leaseTimeToLive({ ID: this.id }, options),
        signal,
      ),
    )
    if (BigInt(TTL) <= 0n) throw this.#lose('audit')
  }

  /** Notes when the server says, in answer to whatever, that the lease is gone. */
  async #watched<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'session-lost') this.#lost.abort(error)
      throw error
    }
  }

  #lose(operation: string): RegistryError {
    const error = etcdError('session-lost', operation, 'the server does not know the lease')
    this.#lost.abort(error)
    return error
  }
}
