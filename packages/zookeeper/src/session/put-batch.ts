import {
  groupBySize,
  putConflict,
  type PutOutcome,
  type PutRequest,
  toRecordKey,
} from '@sd/core/driver'
import type { MultiOperation } from '../client/zookeeper-client.ts'
import { isCode, zookeeperError } from '../errors.ts'
import { isParent, parentData } from '../keys.ts'
import { createParents } from './create-parents.ts'
import { maxRounds, type SessionState, standingOf } from './session-state.ts'
import { parentOf, readStanding, type StandingNodes } from './standing-nodes.ts'

/** A server takes no packet above `jute.maxbuffer`, 1,048,575 bytes by default, the client none above 1,000,000. */
const maxPacketBytes = 990_000
/** Of the operations on one record, besides its data and its path in two of them. */
const overheadBytes = 120

interface Candidate {
  readonly request: PutRequest
  readonly key: string
  readonly value: Uint8Array
  outcome: PutOutcome | undefined
}

/** Nothing is known: everything is taken to be absent, and every service to be there. */
const assumed: StandingNodes = { parents: new Map(), records: new Map() }

/** What writes one record over what stands there. */
const writesOf = (
  state: SessionState,
  { key, value }: Candidate,
  { records }: StandingNodes,
): readonly MultiOperation[] => {
  const path = state.keys.path(key)
  const create = { type: 'create', path, data: value, kind: 'ephemeral' } as const
  const standing = records.get(key)
  if (standing === undefined) return [create]
  const { version, ephemeralOwner } = standing.stat
  if (ephemeralOwner === state.id) return [{ type: 'set', path, data: value, version }]
  // in one step: nobody sees it gone
  return [{ type: 'delete', path, version }, create]
}

/**
 * What stands before the writes to one service's records. A creation counts the version of the
 * node above up, and anything that is done to a node that was read depends on that version.
 */
const fenceOf = (
  { keys }: SessionState,
  parent: string,
  writes: readonly MultiOperation[],
  { parents }: StandingNodes,
): MultiOperation => {
  const path = keys.path(parent)
  const creates = writes.some(({ type }) => type === 'create')
  const depends = writes.some(({ type }) => type !== 'create')
  const version = depends ? (parents.get(parent) ?? 0) : -1
  return creates
    ? { type: 'set', path, data: parentData, version }
    : { type: 'check', path, version }
}

/** Writes all of them, or nothing where something else stands there than `standing` says. */
const writeAll = async (
  state: SessionState,
  candidates: readonly Candidate[],
  standing: StandingNodes,
  signal: AbortSignal,
): Promise<boolean> => {
  const byParent = Map.groupBy(candidates, ({ key }) => parentOf(key))
  const operations = [...byParent].flatMap(([parent, group]) => {
    const writes = group.flatMap((candidate) => writesOf(state, candidate, standing))
    return [fenceOf(state, parent, writes, standing), ...writes]
  })
  try {
    await state.client.multi(operations, signal)
  } catch (error) {
    if (isCode(error, 'NODE_EXISTS', 'NO_NODE', 'BAD_VERSION')) return false
    throw error
  }
  for (const candidate of candidates)
    candidate.outcome = { result: 'written', key: toRecordKey(candidate.key) }
  return true
}

const judge = (
  state: SessionState,
  { key, request }: Candidate,
  { records }: StandingNodes,
): PutOutcome | undefined => {
  const standing = records.get(key)
  if (standing === undefined) return undefined
  if (!isParent(standing.data) && standing.stat.childCount === 0)
    return putConflict(state.keys.format, standingOf(state, key, standing), request)
  const message = `${state.keys.path(key)} stands above other nodes; choose another id or namespace`
  const { service } = request.instance
  return { result: 'error', error: zookeeperError('invalid-argument', 'put', message, service) }
}

/** One try after reading what stands there; returns whether all is settled. */
const readAndWrite = async (
  state: SessionState,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<boolean> => {
  const recordKeys = candidates.map(({ key }) => key)
  const standing = await readStanding(state, recordKeys, signal)
  for (const candidate of candidates) {
    candidate.outcome = judge(state, candidate, standing)
    if (candidate.outcome) state.written.delete(candidate.key)
  }
  const pending = candidates.filter(({ outcome }) => outcome === undefined)
  const missing = new Set(pending.map(({ key }) => parentOf(key)))
  for (const parent of standing.parents.keys()) missing.delete(parent)
  for (const parent of missing) await createParents(state, parent, signal)
  return pending.length === 0 || writeAll(state, pending, standing, signal)
}

const writeGroup = async (
  state: SessionState,
  group: readonly Candidate[],
  fresh: boolean,
  signal: AbortSignal,
): Promise<void> => {
  if (fresh && (await writeAll(state, group, assumed, signal))) return
  for (let round = 0; round < maxRounds; round++) {
    const pending = group.filter(({ outcome }) => outcome === undefined)
    const settled = await state.turns.take(async () => {
      signal.throwIfAborted()
      return readAndWrite(state, pending, signal)
    })
    if (settled) return
  }
}

const contended = (service: string): PutOutcome => ({
  result: 'error',
  error: zookeeperError(
    'unavailable',
    'put',
    `contended: others wrote to the same service in each of ${maxRounds} rounds`,
    service,
  ),
})

/**
 * Writes a batch as nodes of this session. What it has not written before is first taken to be
 * absent; where that is wrong, or else at once, what stands there is read, and what the claims
 * allow is written if it still stands there.
 */
export const putBatch = async (
  state: SessionState,
  requests: readonly PutRequest[],
  signal: AbortSignal,
): Promise<readonly PutOutcome[]> => {
  let fresh = true
  const candidates = requests.map((request): Candidate => {
    const key = state.keys.format.key(request.instance, state.id)
    const value = state.keys.format.encode(request)
    fresh &&= !state.written.has(key)
    // remembered before it is sent: an audit must recognise a write whose answer was lost
    state.written.set(key, { owner: request.claim.owner, value })
    return { request, key, value, outcome: undefined }
  })
  const rootBytes = Buffer.byteLength(state.keys.root)
  const sizeOf = ({ key, value }: Candidate): number =>
    value.length + 3 * (rootBytes + key.length) + overheadBytes
  for (const group of groupBySize(candidates, maxPacketBytes, sizeOf))
    await writeGroup(state, group, fresh, signal)
  return candidates.map(({ outcome, request }) => outcome ?? contended(request.instance.service))
}
