import { errorCodeOf } from '../error-codes.ts'
import type {
  MultiOperation,
  NodeChildren,
  NodeData,
  NodeStat,
  ReadOperation,
  ReadOutcome,
} from '../zookeeper-client.ts'
import { ZooKeeperError } from '../zookeeper-error.ts'
import { operations } from './protocol-numbers.ts'
import { MalformedRecord, type RecordReader } from './record-reader.ts'

/** The beginning of every frame after the handshake, `ReplyHeader`. */
export interface ReplyHeader {
  readonly xid: number
  /** The last transaction that the server had applied. Not positive in an event before 3.9. */
  readonly zxid: bigint
  /** 0, or the code of an error. */
  readonly code: number
}

export const readHeader = (reader: RecordReader): ReplyHeader => ({
  xid: reader.int(),
  zxid: reader.long(),
  code: reader.int(),
})

/** The record of a frame whose xid is that of events, `WatcherEvent`. */
export interface WatchEvent {
  /** `Watcher.Event.EventType`. */
  readonly type: number
  readonly path: string
}

/** Throws `MalformedRecord` if the path is not absolute, as it then has no parents to look up. */
export const readEvent = (reader: RecordReader): WatchEvent => {
  const type = reader.int()
  reader.int() // the state of the connection
  const path = reader.text()
  if (!path.startsWith('/')) throw new MalformedRecord(`an event of ${JSON.stringify(path)}`)
  return { type, path }
}

/** Hexadecimal, as ZooKeeper's own tools show it. */
export const sessionIdText = (id: bigint): string => `0x${BigInt.asUintN(64, id).toString(16)}`

/** The id of `sessionIdText`. */
export const sessionIdOf = (text: string): bigint => BigInt.asIntN(64, BigInt(text))

let lastOwner = { id: 0n, text: '' }

/** Thousands of nodes in a row belong to a few sessions. */
const ownerText = (id: bigint): string => {
  if (id !== lastOwner.id) lastOwner = { id, text: id === 0n ? '' : sessionIdText(id) }
  return lastOwner.text
}

export const readStat = (reader: RecordReader): NodeStat => {
  const createdZxid = reader.long()
  const modifiedZxid = reader.long()
  reader.skip(16) // when it was created and modified
  const version = reader.int()
  const childrenVersion = reader.int()
  reader.skip(4) // the version of its permissions
  const ephemeralOwner = ownerText(reader.long())
  reader.skip(4) // the length of its data
  const childCount = reader.int()
  const childrenZxid = reader.long()
  return {
    createdZxid,
    modifiedZxid,
    childrenZxid,
    version,
    childrenVersion,
    ephemeralOwner,
    childCount,
  }
}

export const readData = (reader: RecordReader): NodeData => {
  const data = reader.bytes()
  return { data, stat: readStat(reader) }
}

export const readChildren = (reader: RecordReader): NodeChildren => {
  const names = reader.texts()
  return { names, stat: readStat(reader) }
}

/** The header before each result of a list of operations, `MultiHeader`; `undefined` at its end. */
const readResultType = (reader: RecordReader): number | undefined => {
  const type = reader.int()
  const isEnd = reader.bool()
  reader.int() // the error, which the result repeats
  return isEnd ? undefined : type
}

/** Bytes of a `Stat` before and after the version of the data. */
const statBytes = { beforeVersion: 32, afterVersion: 32 } as const

/** Only the version of a node that was set: the rest of its `Stat` would cost more than the request. */
const readVersion = (reader: RecordReader): number => {
  reader.skip(statBytes.beforeVersion)
  const version = reader.int()
  reader.skip(statBytes.afterVersion)
  return version
}

/**
 * The versions of the nodes that were written. Throws if the `multi` was refused, naming the operation that
 * failed: the reply lists those before it as successful, those after it as inconsistent.
 */
export const readMulti = (
  reader: RecordReader,
  sent: readonly MultiOperation[],
): readonly (number | undefined)[] => {
  const versions: (number | undefined)[] = []
  for (;;) {
    const type = readResultType(reader)
    if (type === undefined) {
      expectCount(versions.length, sent.length)
      return versions
    }
    if (type === operations.error) {
      const code = reader.int()
      if (code !== 0) throw multiError(sent, versions.length, code)
      versions.push(undefined)
    } else if (type === operations.create) {
      reader.bytes() // its path
      versions.push(0)
    } else if (type === operations.setData) versions.push(readVersion(reader))
    else if (type === operations.delete || type === operations.check) versions.push(undefined)
    else throw unknownResult(type)
  }
}

const multiError = (
  sent: readonly MultiOperation[],
  failedAt: number,
  code: number,
): ZooKeeperError => {
  const { type, path } = sent[failedAt] ?? {}
  const message = `from its ${type} (number ${failedAt}); nothing was done`
  return new ZooKeeperError(errorCodeOf(code), { operation: 'multi', path, failedAt, message })
}

/** One outcome for each read: some may be refused while others succeed. */
export const readMultiRead = (
  reader: RecordReader,
  sent: readonly ReadOperation[],
): readonly ReadOutcome[] => {
  const outcomes: ReadOutcome[] = []
  for (;;) {
    const type = readResultType(reader)
    const operation = sent[outcomes.length]
    if (type === undefined) {
      expectCount(outcomes.length, sent.length)
      return outcomes
    }
    if (type === operations.getData) outcomes.push({ type: 'get', ...readData(reader) })
    else if (type === operations.getChildren)
      outcomes.push({ type: 'children', names: reader.texts() })
    else if (type === operations.error) {
      const code = errorCodeOf(reader.int())
      const error = new ZooKeeperError(code, {
        operation: operation?.type ?? 'multi',
        path: operation?.path,
      })
      outcomes.push({ type: 'refused', error })
    } else throw unknownResult(type)
    if (outcomes.length > sent.length) expectCount(outcomes.length, sent.length)
  }
}

const expectCount = (found: number, expected: number): void => {
  if (found !== expected)
    throw new MalformedRecord(`the reply has ${found} results; expected ${expected}`)
}

const unknownResult = (type: number): MalformedRecord =>
  new MalformedRecord(`the reply has a result of the unknown type ${type}`)
