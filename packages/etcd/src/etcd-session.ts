import {
  type Audit,
  auditOwned,
  commonService,
  type ConditionalStore,
  type DriverSession,
  type OwnedRef,
  putOwned,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  RegistryError,
  removeOwned,
  type RemoveOutcome,
  removeStraysOwned,
  SentRecords,
  type WritingSession,
} from '@sd/core/driver'
import type { EtcdConnection } from './client/etcd-connection.ts'
import { KeepAliveStream } from './client/keep-alive-stream.ts'
import { backend, leaseGone } from './errors.ts'
import { maxBatch } from './session/conditional-store.ts'
import type { Store } from './client/kv.ts'
import * as methods from './client/methods.ts'
import { conditionalStore } from './session/conditional-store.ts'

/** State that the sessions of one driver share. */
export interface SessionContext {
  readonly store: Store
  readonly heartbeats: EtcdConnection
  /** The driver's open sessions by lease; a session adds and removes itself. */
  readonly sessions: Map<string, EtcdSession>
}

/** A session on one etcd lease, kept alive over one stream. Its records are tied to the lease. */
export class EtcdSession implements DriverSession {
  /** The lease's id in decimal. */
  readonly id: string
  readonly grantedTtlMs: number
  readonly #store: Store
  readonly #sessions: Map<string, EtcdSession>
  readonly #self: WritingSession<string>
  readonly #keepAlive: KeepAliveStream
  readonly #lost = new AbortController()

  constructor(leaseId: string, grantedTtlMs: number, context: SessionContext) {
    const { store, heartbeats, sessions } = context
    this.id = leaseId
    this.grantedTtlMs = grantedTtlMs
    this.#store = store
    this.#sessions = sessions.set(leaseId, this)
    this.#self = {
      backend,
      id: leaseId,
      format: store.format,
      ownSessions: sessions,
      sent: new SentRecords(),
    }
    this.#keepAlive = new KeepAliveStream(heartbeats, leaseId)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  renew(signal: AbortSignal): Promise<void> {
    return this.#watched(this.#keepAlive.renew(signal))
  }

  async put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    // what is never sent must not count as sent
    signal.throwIfAborted()
    const instances = requests.map(({ instance }) => instance)
    return this.#watched(
      putOwned(this.#self, requests, this.#conditional('put', instances, signal)),
    )
  }

  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    return this.#watched(removeOwned(this.#self, refs, this.#conditional('remove', refs, signal)))
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const store = this.#conditional('audit', refs, signal)
    const audits = await auditOwned(this.#self, refs, store)
    if (audits.some(({ state }) => state === 'missing')) await this.#leaseKeys(false, signal)
    return audits
  }

  async removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    const { keys } = this.#store
    const tied = await this.#leaseKeys(true, signal)
    const own = tied
      .filter((key) => keys.absolute(keys.relative(key)).equals(key)) // in this namespace
      .map((key) => keys.relative(key))
    const store = this.#conditional('audit', [], signal)
    return this.#watched(removeStraysOwned(this.#self, own, store, maxBatch))
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#keepAlive.close()
    try {
      await this.#store.calls.call('close', methods.leaseRevoke, { ID: this.id }, signal)
    } catch (error) {
      const gone = error instanceof RegistryError && error.code === 'session-lost'
      if (!gone || signal.aborted) throw error
    }
    this.#sessions.delete(this.id)
  }

  /** Ends the heartbeat stream and lets the lease expire. */
  abandon(): void {
    this.#keepAlive.close()
  }

  #conditional(
    operation: string,
    items: readonly { readonly service: string }[],
    signal: AbortSignal,
  ): ConditionalStore<string> {
    const call = { operation, service: commonService(items), signal }
    return conditionalStore(this.#store, this.id, call)
  }

  /** The keys of the lease, if asked for. Throws `session-lost` when there is no such lease. */
  async #leaseKeys(keys: boolean, signal: AbortSignal): Promise<readonly Buffer[]> {
    const read = async (): Promise<readonly Buffer[]> => {
      const { calls } = this.#store
      const lease = await calls.call(
        'audit',
        methods.leaseTimeToLive,
        { ID: this.id, keys },
        signal,
      )
      if (BigInt(lease.TTL) <= 0n) throw leaseGone('audit')
      return lease.keys
    }
    return this.#watched(read())
  }

  /** Aborts `lost` when a call fails because the server has no such lease. */
  async #watched<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'session-lost') this.#lost.abort(error)
      throw error
    }
  }
}
