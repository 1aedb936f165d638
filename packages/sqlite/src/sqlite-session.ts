import {
  type Audit,
  type DriverSession,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  RegistryError,
  type RemoveOutcome,
} from '@sd/core/driver'
import { attempt, notWritten } from './errors.ts'
import type { Keys } from './keys.ts'

/** What one process has published: it lives and dies together. */
export class SqliteSession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #keys: Keys
  readonly #lost = new AbortController()

  constructor(keys: Keys, id: string, grantedTtlMs: number) {
    this.#keys = keys
    this.id = id
    this.grantedTtlMs = grantedTtlMs
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** One heartbeat; `session-lost` when the server does not know the session any more. */
  renew(signal: AbortSignal): Promise<void> {
    return this.#call('renew', signal, async () => {
      throw notWritten('renew')
    })
  }

  /**
   * One outcome for each request. Read what stands at `key`, ask `putConflict` of `@sd/core/driver`
   * whether it may be replaced, and write only if it still stands there, in one step if the
   * server can. Remember what was sent, for `audit`.
   */
  put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    const keys = requests.map(({ instance }) => this.#keys.of(instance, this.id))
    return this.#call('put', signal, async () => {
      throw notWritten(`put (of ${keys.length})`)
    })
  }

  /** By owner (`isHeldBy` of `@sd/core/driver`), whichever session wrote it; never a rival's. */
  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const keys = refs.map((ref) => this.#keys.of(ref, this.id))
    return this.#call('remove', signal, async () => {
      throw notWritten(`remove (of ${keys.length})`)
    })
  }

  /** Compares what stands in the backend with what this session last sent. */
  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const keys = refs.map((ref) => this.#keys.of(ref, this.id))
    return this.#call('audit', signal, async () => {
      throw notWritten(`audit (of ${keys.length})`)
    })
  }

  /**
   * Ends the session: its records go, and none of its writes still on the way may succeed after.
   * Resolves, too, when the server knows it no more.
   */
  close(signal: AbortSignal): Promise<void> {
    return this.#call('close', signal, async () => {
      throw notWritten('close')
    })
  }

  async #call<T>(operation: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await attempt(operation, signal, work)
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'session-lost') this.#lost.abort(error)
      throw error
    }
  }
}
