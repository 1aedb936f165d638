import type {
  Audit,
  DriverSession,
  OwnedRef,
  PutOutcome,
  PutRequest,
  RemoveOutcome,
} from '../../../src/driver/registry-driver.ts'
import { type RecordKey, toRecordKey } from '../../../src/model/instance-record.ts'
import { claimWins } from '../../../src/model/claim.ts'
import { sameInstance } from '../../../src/model/service-instance.ts'
import type { SimLink } from '../network/sim-link.ts'
import { simError } from '../server/sim-error.ts'
import type { FencedResult, FencedWrite } from '../server/sim-server.ts'
import { keyOf, type Stored, toRecord, toStoredValue } from '../server/stored.ts'
import type { DriverMutant } from './driver-profile.ts'

const changed = (operation: string): { result: 'error'; error: ReturnType<typeof simError> } => ({
  result: 'error',
  error: simError('unavailable', operation, 'another write changed the record at the same time'),
})

/** What a session last sent under a key; the revision is that of its last acknowledged write there. */
interface Sent {
  readonly revision: number
  readonly request: PutRequest
}

/** A lease. Writes are fenced by the last revision seen, so that late ones fail. */
export class SimSession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #client: string
  readonly #link: SimLink
  readonly #lost: AbortController
  readonly #mutant: DriverMutant | undefined
  readonly #sent = new Map<string, Sent>()

  constructor(
    client: string,
    link: SimLink,
    id: string,
    grantedTtlMs: number,
    lost: AbortController,
    mutant: DriverMutant | undefined,
  ) {
    this.#client = client
    this.#link = link
    this.id = id
    this.grantedTtlMs = grantedTtlMs
    this.#lost = lost
    this.#mutant = mutant
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  renew(signal: AbortSignal): Promise<void> {
    const { leases } = this.#link.server
    return this.#link.call(
      'renew',
      () => {
        if (!leases.renew(this.id)) throw simError('session-lost', 'renew', 'no such lease')
      },
      signal,
    )
  }

  async put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    const outcomes = new Map<PutRequest, PutOutcome>()
    // before sending: the answer may be lost
    const sent = requests.map((request): Sent => {
      const key = keyOf(request.instance)
      const added = { request, revision: this.#sent.get(key)?.revision ?? 0 }
      this.#sent.set(key, added)
      return added
    })
    const again: { readonly request: PutRequest; readonly expect: number }[] = []
    const first = await this.#commit(
      'put',
      sent.map(({ request, revision }) => this.#write(request, revision)),
      signal,
    )
    requests.forEach((request, index) => {
      const result = first[index] as FencedResult
      if (result.ok) outcomes.set(request, this.#wrote(request, result.revision))
      else {
        const conflict = this.#conflict(request, result.current ?? this.#departed(request.instance))
        if (conflict === undefined) again.push({ request, expect: result.current?.revision ?? 0 })
        else {
          this.#forget(keyOf(request.instance), sent[index])
          outcomes.set(request, conflict)
        }
      }
    })
    if (again.length > 0) {
      const writes = again.map(({ request, expect }) => this.#write(request, expect))
      const second = await this.#commit('put', writes, signal)
      again.forEach(({ request }, index) => {
        const result = second[index] as FencedResult
        const outcome = result.ok ? this.#wrote(request, result.revision) : changed('put')
        outcomes.set(request, outcome)
      })
    }
    return requests.map((request) => outcomes.get(request) as PutOutcome)
  }

  async remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const before = new Map(refs.map((ref) => [keyOf(ref), this.#sent.get(keyOf(ref))]))
    const standing = await this.#read('remove', refs, signal)
    const ours = refs.flatMap((ref, index): FencedWrite[] => {
      const current = standing[index]
      const mine =
        current?.value.claim?.owner === ref.owner ||
        (current !== undefined && this.#mutant === 'remove-without-comparing-owner')
      return mine ? [{ key: keyOf(ref), expect: current.revision, value: undefined }] : []
    })
    const results = ours.length === 0 ? [] : await this.#commit('remove', ours, signal, false)
    const byKey = new Map(ours.map(({ key }, index) => [key, results[index]]))
    return refs.map((ref, index): RemoveOutcome => {
      const key = keyOf(ref)
      const result = byKey.get(key)
      if (result?.ok === false) return changed('remove')
      this.#forget(key, before.get(key))
      if (result?.ok === true) return { result: 'removed' }
      return { result: standing[index] === undefined ? 'absent' : 'not-ours' }
    })
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const standing = await this.#read('audit', refs, signal)
    return refs.map((ref, index) => this.#compare(ref, standing[index] ?? this.#departed(ref)))
  }

  async removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    const { server } = this.#link
    const strays = await this.#link.call(
      'strays',
      () => {
        const tied = [...server.records].filter(([, { lease }]) => lease === this.id)
        for (const [key] of tied) server.requireRight('strays', key)
        return tied.filter(([key]) => !this.#sent.has(key))
      },
      signal,
    )
    if (strays.length === 0 || this.#mutant === 'keep-strays') return []
    const writes = strays.map(([key, { revision }]) => ({
      key,
      expect: revision,
      value: undefined,
    }))
    const results = await this.#commit('remove', writes, signal, false)
    return strays.flatMap(([key], index) => (results[index]?.ok === true ? toRecordKey(key) : []))
  }

  close(signal: AbortSignal): Promise<void> {
    const { server } = this.#link
    const revoke = (): void => {
      if (this.#mutant !== 'close-without-revoking') server.close(this.id, this.#client)
    }
    return this.#link.call('close-session', revoke, signal)
  }

  #write(request: PutRequest, expect: number): FencedWrite {
    return { key: keyOf(request.instance), expect, value: toStoredValue(request) }
  }

  #wrote(request: PutRequest, revision: number): PutOutcome {
    const key = keyOf(request.instance)
    this.#sent.set(key, { revision, request })
    return { result: 'written', key: toRecordKey(key) }
  }

  /** Nothing of `sent` is stored, unless something else was sent since. */
  #forget(key: string, sent: Sent | undefined): void {
    if (this.#sent.get(key) === sent) this.#sent.delete(key)
  }

  #conflict(request: PutRequest, current: Stored | undefined): PutOutcome | undefined {
    const holder = current?.value.claim
    if (current === undefined || this.#mutant === 'put-without-comparing-claims') return undefined
    if (holder?.owner === request.claim.owner) return undefined
    if (request.mode === 'if-newer' && claimWins(request.claim, holder)) return undefined
    return { result: 'conflict', ...(holder === undefined ? {} : { holder }) }
  }

  #compare(ref: OwnedRef, current: Stored | undefined): Audit {
    if (current === undefined) return { ...ref, state: 'missing' }
    const key = keyOf(ref)
    const record = toRecord(key, current)
    const found = record === undefined ? {} : { record }
    if (current.value.claim?.owner !== ref.owner || current.lease !== this.id)
      return { ...ref, state: 'replaced', ...found }
    const wrote = this.#sent.get(key)?.request
    const same =
      wrote !== undefined &&
      record !== undefined &&
      record.claim?.seq === wrote.claim.seq &&
      record.claim.claimedAtMs === wrote.claim.claimedAtMs &&
      sameInstance(record.instance, wrote.instance)
    return same ? { ...ref, state: 'ours' } : { ...ref, state: 'edited', ...found }
  }

  /**
   * The record of another owner that replaced this session's record and is gone too, as far as the
   * server's history shows it.
   */
  #departed(place: { readonly service: string; readonly id: string }): Stored | undefined {
    const key = keyOf(place)
    const wrote = this.#sent.get(key)
    if (wrote === undefined || this.#mutant === 'forget-departed-winners') return undefined
    const { owner } = wrote.request.claim
    const replaced = (this.#link.server.history.since(wrote.revision) ?? []).findLast(
      ({ key: written, stored }) =>
        written === key && stored?.value.claim !== undefined && stored.value.claim.owner !== owner,
    )
    return replaced?.stored
  }

  #read(
    operation: string,
    refs: readonly OwnedRef[],
    signal: AbortSignal,
  ): Promise<readonly (Stored | undefined)[]> {
    const { records } = this.#link.server
    const read = (): readonly (Stored | undefined)[] => {
      for (const ref of refs) this.#link.server.requireRight(operation, keyOf(ref))
      return refs.map((ref) => records.get(keyOf(ref)))
    }
    return this.#link.call(operation, read, signal)
  }

  #commit(
    operation: string,
    writes: readonly FencedWrite[],
    signal: AbortSignal,
    leased = true,
  ): Promise<readonly FencedResult[]> {
    const { server } = this.#link
    const lease = leased ? this.id : undefined
    return this.#link.call(
      operation,
      () => server.commit(operation, this.#fence(writes), lease, this.#client),
      signal,
    )
  }

  #fence(writes: readonly FencedWrite[]): readonly FencedWrite[] {
    if (this.#mutant !== 'fence-nothing') return writes
    const { records } = this.#link.server
    return writes.map((write) => ({ ...write, expect: records.get(write.key)?.revision ?? 0 }))
  }
}
