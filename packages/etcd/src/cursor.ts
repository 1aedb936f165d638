import { type Cursor, toCursor } from '@sd/core/driver'

/** A place in one history of one namespace. Revisions are int64: strings outside, `bigint` to compare. */
export interface Place {
  readonly epoch: string
  readonly clusterId: string
  readonly revision: bigint
}

const shape = /^([a-z0-9]{1,64}):(\d{1,20}):(\d{1,19})$/

/** `<epoch>:<cluster id>:<revision>`. */
export const formatCursor = ({ epoch, clusterId, revision }: Place): Cursor =>
  toCursor(`${epoch}:${clusterId}:${revision}`)

/** What `formatCursor` wrote; `undefined` for anything else. */
export const parseCursor = (cursor: Cursor): Place | undefined => {
  const match = shape.exec(cursor)
  if (match === null) return undefined
  const [, epoch = '', clusterId = '', revision = ''] = match
  return { epoch, clusterId, revision: BigInt(revision) }
}
