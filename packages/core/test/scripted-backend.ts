import {
  type Audit,
  type Claim,
  type Clock,
  type Cursor,
  type DriverSession,
  type InstanceRecord,
  type Observation,
  type OwnedRef,
  type Progress,
  type PutOutcome,
  type PutRequest,
  type RegistryDriver,
  RegistryError,
  type RegistryErrorCode,
  type RemoveOutcome,
  type Scope,
  sameInstance,
  toCursor,
  toRecordKey,
} from '@sd/core/driver'
import { claimWins } from '../src/model/claim.ts'

interface Stored extends PutRequest {
  readonly session: string
}

/** One call that core made. */
export interface ScriptedCall {
  readonly operation: string
  readonly atMs: number
  /** `<service>/<id>` of the instance concerned. */
  readonly keys: readonly string[]
  readonly session: string
}

/** An error of the scripted backend. */
export const failure = (code: RegistryErrorCode, operation = 'test'): RegistryError =>
  new RegistryError(code, { backend: 'scripted', operation, message: `scripted ${code}` })

const keyOf = ({ service, id }: { readonly service: string; readonly id: string }): string =>
  `${service}/${id}`

/**
 * An in-memory backend on the test's clock. A test may delay, fail or observe each of its calls.
 */
export class ScriptedBackend {
  readonly records = new Map<string, Stored>()
  readonly sessions = new Set<string>()
  readonly calls: ScriptedCall[] = []
  /** Runs before each call takes effect; the call rejects with what it throws. */
  before: (call: ScriptedCall) => void | Promise<void> = () => {}
  /** Returns the outcome of one put, in place of the backend. */
  answerPut: (request: PutRequest) => PutOutcome | undefined = () => undefined
  /** Returns the outcomes of a removal, in place of the backend. */
  answerRemove: (refs: readonly OwnedRef[]) => readonly RemoveOutcome[] | undefined = () =>
    undefined
  /** Returns the outcomes of an audit, in place of the backend. */
  answerAudit: (audits: readonly Audit[]) => readonly Audit[] = (audits) => audits
  /**
   * Makes what `observe` returns. Default: one snapshot of the stored records, and then nothing.
   */
  observe: (
    scope: Scope,
    signal: AbortSignal,
    cursor: Cursor | undefined,
    progress: Progress,
  ) => AsyncIterable<Observation>
  /** Runs before a list returns. */
  reading: (signal: AbortSignal, progress: Progress) => void | Promise<void> = () => {}
  /** What the driver says of its servers. */
  lastSeen: string | undefined
  maxBatch = 100
  /** Whether the outcomes of puts are returned; a driver that drops some has a defect. */
  answersPuts = true
  /** Sessions opened while this is set are lost before a caller can subscribe to their loss. */
  losesAtOnce = false
  /** Whether sessions tell of the loss of a part. */
  hasParts = false
  /** Whether an audit reads the records when it is asked, and not when it answers. */
  auditsBefore = false
  readonly #lost = new Map<string, AbortController>()
  readonly #partLost = new Map<string, () => void>()
  readonly #clock: Clock
  #sessions = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.observe = (scope, signal) => this.#snapshot(scope, signal)
  }

  /** How often core made calls of this operation. */
  count(operation: string): number {
    return this.calls.filter((call) => call.operation === operation).length
  }

  holderOf(service: string, id: string): Claim | undefined {
    return this.records.get(`${service}/${id}`)?.claim
  }

  /** Ends a session, removes its records, and aborts its `lost`. */
  lose(session: string, reason: Error = failure('session-lost')): void {
    this.sessions.delete(session)
    for (const [key, stored] of this.records)
      if (stored.session === session) this.records.delete(key)
    this.#lost.get(session)?.abort(reason)
  }

  /** Ends a part of a session, which held those records. */
  losePart(session: string, keys: readonly string[]): void {
    for (const key of keys) this.records.delete(key)
    this.#partLost.get(session)?.()
  }

  /** A record of another client, tied to no session of this backend. */
  write(request: PutRequest): void {
    this.records.set(keyOf(request.instance), { ...request, session: 'foreign' })
  }

  readonly driver = (): RegistryDriver => ({
    backend: 'scripted',
    capabilities: {
      list: 'linearizable',
      atomicClaim: true,
      resume: true,
      deltas: true,
      tls: false,
      minTtlMs: 1,
      maxBatch: this.maxBatch,
      maxRecordBytes: 1_000_000,
    },
    lastSeen: () => this.lastSeen,
    openSession: async ({ ttlMs }) => {
      this.#sessions += 1
      const id = `session-${this.#sessions}`
      await this.#call('open-session', [], id)
      this.sessions.add(id)
      return this.#session(id, ttlMs)
    },
    list: async (_scope, signal, progress = () => {}) => {
      await this.#call('list', [], '')
      await this.reading(signal, progress)
      return { records: this.#contents(), skipped: [] }
    },
    observe: (scope, cursor, signal, progress = () => {}) =>
      this.observe(scope, signal, cursor, progress),
    probe: () => this.#call('probe', [], ''),
    [Symbol.asyncDispose]: async () => {},
  })

  #session(id: string, grantedTtlMs: number): DriverSession {
    const call = (operation: string, keys: readonly string[] = []): Promise<void> =>
      this.#call(operation, keys, id)
    const lost = new AbortController()
    this.#lost.set(id, lost)
    if (this.losesAtOnce) this.lose(id)
    return {
      id,
      grantedTtlMs,
      lost: lost.signal,
      ...(this.hasParts && {
        onPartLost: (listener: () => void): void => void this.#partLost.set(id, listener),
      }),
      renew: () => call('renew'),
      put: async (requests) => {
        await call(
          'put',
          requests.map(({ instance }) => keyOf(instance)),
        )
        return this.answersPuts ? requests.map((request) => this.#put(id, request)) : []
      },
      remove: async (refs) => {
        await call('remove', refs.map(keyOf))
        const scripted = this.answerRemove(refs)
        if (scripted !== undefined) return scripted
        return refs.map((ref) => {
          const stored = this.records.get(keyOf(ref))
          if (stored === undefined) return { result: 'absent' }
          if (stored.claim.owner !== ref.owner) return { result: 'not-ours' }
          this.records.delete(keyOf(ref))
          return { result: 'removed' }
        })
      },
      audit: async (refs) => {
        const before = refs.map((ref): Audit => this.#audit(id, ref))
        await call('audit', refs.map(keyOf))
        return this.answerAudit(
          this.auditsBefore ? before : refs.map((ref) => this.#audit(id, ref)),
        )
      },
      close: async () => {
        await call('close-session')
        this.sessions.delete(id)
        for (const [key, { session }] of this.records) if (session === id) this.records.delete(key)
      },
    }
  }

  async #call(operation: string, keys: readonly string[], session: string): Promise<void> {
    const call = { operation, keys, session, atMs: this.#clock.monotonicMs() }
    this.calls.push(call)
    await this.before(call)
  }

  #put(session: string, request: PutRequest): PutOutcome {
    const scripted = this.answerPut(request)
    if (scripted !== undefined) return scripted
    const key = keyOf(request.instance)
    const holder = this.records.get(key)?.claim
    const wins = request.mode === 'if-newer' && claimWins(request.claim, holder)
    if (holder !== undefined && holder.owner !== request.claim.owner && !wins)
      return { result: 'conflict', holder }
    this.records.set(key, { ...request, session })
    this.wrote.set(`${session} ${key}`, request)
    return { result: 'written', key: toRecordKey(key) }
  }

  /** The last write of each session. */
  readonly wrote = new Map<string, PutRequest>()

  #audit(
    session: string,
    ref: { readonly service: string; readonly id: string; readonly owner: string },
  ): Audit {
    const stored = this.records.get(keyOf(ref))
    if (stored === undefined) return { ...ref, state: 'missing' }
    const record = this.#record(keyOf(ref), stored)
    if (stored.claim.owner !== ref.owner || stored.session !== session)
      return { ...ref, state: 'replaced', record }
    const wrote = this.wrote.get(`${session} ${keyOf(ref)}`)
    const same =
      wrote !== undefined &&
      wrote.claim.seq === stored.claim.seq &&
      sameInstance(wrote.instance, stored.instance)
    return same ? { ...ref, state: 'ours' } : { ...ref, state: 'edited', record }
  }

  #record(key: string, { instance, claim, ttlMs, registeredAtMs }: Stored): InstanceRecord {
    return { key: toRecordKey(key), instance, claim, ttlMs, registeredAtMs }
  }

  #contents(): readonly InstanceRecord[] {
    return [...this.records].map(([key, stored]) => this.#record(key, stored))
  }

  async *#snapshot(scope: Scope, signal: AbortSignal): AsyncIterable<Observation> {
    await this.#call('observe', [], '')
    yield { type: 'snapshot', records: this.#contents(), skipped: [], cursor: toCursor('1') }
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  }
}
