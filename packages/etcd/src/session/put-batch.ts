import {
  groupBySize,
  putConflict,
  type PutOutcome,
  type PutRequest,
  toRecordKey,
} from '@sd/core/driver'
import type { ICompare } from 'etcd3'
import { etcdError } from '../errors.ts'
import { commonService, rangesOf, type Store, transact } from '../kv.ts'
import { maxRounds, type SessionState, standingOf } from './session-state.ts'

/** etcd refuses requests above 1.5 MiB (`--max-request-bytes`). */
const maxRequestBytes = 1_000_000

interface Candidate {
  readonly request: PutRequest
  readonly key: string
  readonly value: Uint8Array
  /** Its key's revision for the write to be valid; `0`: it must not exist. */
  expected: string
  outcome: PutOutcome | undefined
}

/** Compares the revision of a key; a key that does not exist has 0. */
export const atRevision = (key: Buffer, revision: string): ICompare => ({
  key,
  target: 'Mod',
  result: 'Equal',
  mod_revision: revision,
})

const writeAll = async (
  store: Store,
  state: SessionState,
  candidates: readonly Candidate[],
  round: number,
  signal: AbortSignal,
): Promise<readonly Candidate[]> => {
  const { keys } = store
  const service = commonService(candidates.map(({ request }) => request.instance.service))
  const places = candidates.map(({ key }) => keys.absolute(key))
  const ranges = places.map((key) => ({ request_range: { key } }))
  const response = await transact(
    store,
    'put',
    {
      compare: candidates.map(({ expected }, index) =>
        atRevision(places[index] as Buffer, expected),
      ),
      success: candidates.map(({ value }, index) => ({
        request_put: {
          key: places[index] as Buffer,
          value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
          lease: state.leaseId,
        },
      })),
      // nearly every first round succeeds: it does not carry the reads of one that fails
      failure: round === 0 ? [] : ranges,
    },
    signal,
    service,
  )
  if (response.succeeded) {
    for (const { request, key, value } of candidates)
      state.written.set(key, {
        owner: request.claim.owner,
        value,
        revision: response.header.revision,
      })
    for (const candidate of candidates)
      candidate.outcome = { result: 'written', key: toRecordKey(candidate.key) }
    return []
  }
  const found = rangesOf(
    round === 0 ? await transact(store, 'put', { success: ranges }, signal, service) : response,
  )
  for (const [index, candidate] of candidates.entries()) {
    const kv = found[index]?.kvs[0]
    candidate.expected = kv?.mod_revision ?? '0'
    candidate.outcome = putConflict(
      store.format,
      standingOf(store, state, candidate.key, kv),
      candidate.request,
    )
    if (candidate.outcome) state.written.delete(candidate.key)
  }
  return candidates.filter(({ outcome }) => outcome === undefined)
}

/** What a candidate adds to a request. */
const sizeOf = ({ key, value }: Candidate): number => value.length + 4 * key.length

const contended = (service: string): PutOutcome => ({
  result: 'error',
  error: etcdError(
    'unavailable',
    'put',
    `contended: others wrote the same keys in each of ${maxRounds} rounds`,
    service,
  ),
})

/**
 * Writes a batch under the session's lease. The first transaction assumes that nothing changed
 * since this session last wrote (or that nothing was there); when that is wrong all keys are read
 * at once, and the next writes what the claims allow, fenced by the revisions read.
 */
export const putBatch = async (
  store: Store,
  state: SessionState,
  requests: readonly PutRequest[],
  signal: AbortSignal,
): Promise<readonly PutOutcome[]> => {
  const candidates = requests.map((request): Candidate => {
    const key = store.format.key(request.instance, state.leaseId)
    const value = store.format.encode(request)
    const { owner } = request.claim
    const last = state.written.get(key)
    const revision = last?.owner === owner ? last.revision : undefined
    // remembered before it is sent: an audit must recognise a write whose answer was lost
    state.written.set(key, { owner, value, revision })
    return { request, key, value, expected: revision ?? '0', outcome: undefined }
  })
  for (const group of groupBySize(candidates, maxRequestBytes, sizeOf)) {
    let pending: readonly Candidate[] = group
    for (let round = 0; round < maxRounds && pending.length > 0; round++)
      pending = await writeAll(store, state, pending, round, signal)
  }
  return candidates.map(({ outcome, request }) => outcome ?? contended(request.instance.service))
}
