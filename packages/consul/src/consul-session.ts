import {
  type Audit,
  type DriverSession,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  RegistryError,
  type RemoveOutcome,
} from '@sd/core/driver'
import { consulError } from './errors.ts'
import { auditBatch } from './session/audit-batch.ts'
import { endSession, tiedTo } from './session/end-session.ts'
import { passChecks } from './session/pass-checks.ts'
import { putBatch } from './session/put-batch.ts'
import type { SessionContext } from './session/session-context.ts'
import { removeBatch } from './session/remove-batch.ts'
import { atAgent, removeStrays } from './session/remove-leftovers.ts'

/**
 * The registrations of one process at one agent, each with a TTL check. Consul has no such session: its
 * id is in the metadata of every entry, and distinguishes its entries from a rival's.
 */
export class ConsulSession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #context: SessionContext
  readonly #lost = new AbortController()
  readonly #fence: { sinceMs: number | undefined } = { sinceMs: undefined }
  /** Ends writes that still wait for a permit. */
  readonly #closing = new AbortController()

  constructor(context: SessionContext) {
    this.id = context.id
    this.grantedTtlMs = context.ttlMs
    this.#context = context
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async renew(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    try {
      await passChecks(this.#context, signal)
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'session-lost') this.#lost.abort(error)
      throw error
    }
  }

  async put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    signal.throwIfAborted()
    // Consul itself would accept a write of a lost session
    this.#lost.signal.throwIfAborted()
    const open = AbortSignal.any([signal, this.#closing.signal])
    await this.#assertKnown(open)
    return putBatch(this.#context, requests, open)
  }

  async remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    signal.throwIfAborted()
    const { layout } = this.#context.catalog
    const held = refs.map((ref) => ({ ...ref, serviceId: layout.serviceId(ref) }))
    return removeBatch(this.#context, held, signal)
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    signal.throwIfAborted()
    return auditBatch(this.#context, refs, signal)
  }

  /**
   * Throws `session-lost` if the agent has lost most services of the session. Consul keeps no sessions
   * and accepts any write: without this a write before the next heartbeat would be kept under a check
   * that the next session does not know.
   */
  async #assertKnown(signal: AbortSignal): Promise<void> {
    const { published } = this.#context
    const [sample] = published
    if (sample === undefined) return
    const [serviceId, { service }] = sample
    if ((await atAgent(this.#context, { service, serviceId }, signal)) !== undefined) return
    const kept = await tiedTo(this.#context, signal)
    if (kept.length * 2 >= published.size) return
    const error = consulError(
      'session-lost',
      'put',
      'the agent has lost the services of the session',
    )
    this.#lost.abort(error)
    throw error
  }

  removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    return removeStrays(this.#context, signal)
  }

  async close(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#closing.abort(consulError('session-lost', 'put', 'the session was closed'))
    await endSession(this.#context, this.#fence, signal)
    this.#context.ownSessions.delete(this.id)
  }
}
