import { type Cursor, type Random, RegistryError } from '@sd/core/driver'
import type { IKeyValue, IRangeRequest, IRangeResponse, IResponseHeader } from 'etcd3'
import { readRange } from './etcd-read.ts'
import { etcdError } from './errors.ts'
import { epochKey, type HistoryPosition, type KeyRange, writeCursor } from './keys.ts'
import { rangesOf, type Store, transact } from './client/kv.ts'

/**
 * The position of a read. There is no cursor without an epoch: only an epoch can prove later that a
 * server still has the same history, as a wiped server may even keep its cluster id.
 */
export interface ReadPosition {
  readonly epoch: string | undefined
  readonly clusterId: string
  readonly revision: bigint
}

const epochShape = /^[a-z0-9]{1,64}$/

const epochIn = (kvs: readonly IKeyValue[]): string | undefined => {
  const text = kvs[0]?.value.toString('latin1')
  return text !== undefined && epochShape.test(text) ? text : undefined
}

const positionOf = (
  epoch: string | undefined,
  { cluster_id, revision }: IResponseHeader,
): ReadPosition => ({ epoch, clusterId: cluster_id, revision: BigInt(revision) })

/** The cursor of `revision` in the history of `at`. */
export const cursorAt = (
  { epoch, clusterId }: ReadPosition,
  revision: bigint,
): Cursor | undefined =>
  epoch === undefined ? undefined : writeCursor({ epoch, clusterId, revision })

const isDenied = (error: unknown): boolean =>
  error instanceof RegistryError && error.code === 'permission-denied'

const unlessDenied = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work
  } catch (error) {
    if (isDenied(error)) return undefined
    throw error
  }
}

/** The first page of a read and its position. */
export interface FirstPage {
  readonly page: IRangeResponse
  readonly at: ReadPosition
}

/** Reads `request` at one revision with the epoch, if permission allows that. */
const readWithEpoch = async (
  store: Store,
  request: IRangeRequest,
  signal: AbortSignal,
  service: string | undefined,
): Promise<FirstPage & { readonly denied: boolean }> => {
  const key = store.keys.absolute(epochKey)
  const both = [{ request_range: { key } }, { request_range: request }]
  const read = await unlessDenied(transact(store, 'observe', { success: both }, signal, service))
  const [epoch, page] = read ? rangesOf(read) : []
  if (read && epoch && page)
    return { page, at: positionOf(epochIn(epoch.kvs), read.header), denied: false }
  const alone = await readRange(store, 'observe', request, signal, service)
  return { page: alone, at: positionOf(undefined, alone.header), denied: true }
}

/**
 * Reads a first page together with the namespace's epoch. If there is none, and permission allows,
 * creates an epoch and reads the page again, so that the epoch covers the page.
 */
export const readFirstPage = async (
  store: Store,
  random: Random,
  request: IRangeRequest,
  signal: AbortSignal,
  service?: string,
): Promise<FirstPage> => {
  const first = await readWithEpoch(store, request, signal, service)
  if (first.denied || first.at.epoch !== undefined) return first
  const key = store.keys.absolute(epochKey)
  const absent = { key, target: 'Mod', result: 'Equal', mod_revision: '0' } as const
  const create = { request_put: { key, value: Buffer.from(random.id(20)) } }
  const created = await unlessDenied(
    transact(store, 'observe', { compare: [absent], success: [create] }, signal),
  )
  return created === undefined ? first : readWithEpoch(store, request, signal, service)
}

const expired = (reason: string): RegistryError => etcdError('cursor-expired', 'observe', reason)

const checkHeader = (
  position: Pick<HistoryPosition, 'clusterId' | 'revision'>,
  header: IResponseHeader,
): void => {
  if (header.cluster_id !== position.clusterId) throw expired('the answer is from another cluster')
  if (BigInt(header.revision) < position.revision)
    throw expired(
      `the server is at revision ${header.revision}, below revision ${position.revision}, which was read before`,
    )
}

/**
 * Throws `cursor-expired` unless the servers still have the history of `at`. Call it after the
 * watch was created, so that it also covers the watch: a wiped server accepts any future revision
 * and sends nothing.
 */
export const proveHistory = async (
  store: Store,
  at: ReadPosition,
  attached: IResponseHeader,
  scope: KeyRange,
  signal: AbortSignal,
): Promise<void> => {
  if (attached.cluster_id !== at.clusterId) throw expired('the answer is from another cluster')
  if (at.epoch === undefined) {
    // `at` is from a read just now, without a cursor: the revision alone reveals a wiped server
    const request = { ...scope, limit: 1, keys_only: true }
    checkHeader(at, (await readRange(store, 'observe', request, signal)).header)
    return
  }
  const request = { key: store.keys.absolute(epochKey) }
  const read = await unlessDenied(readRange(store, 'observe', request, signal))
  if (read === undefined) throw expired('the epoch record can no longer be read: permission denied')
  checkHeader(at, read.header)
  if (epochIn(read.kvs) !== at.epoch) throw expired('the namespace was emptied after the cursor')
}
