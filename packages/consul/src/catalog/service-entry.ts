import {
  type DecodedRecord,
  decodeRecord,
  isReadable,
  type RecordKey,
  type WireFormat,
} from '@sd/core/driver'
import { consulError } from '../errors.ts'
import { type Keys, recordKeyOf } from '../keys.ts'
import { type Check, type CheckStatus, checkStatusOf } from './check-status.ts'

/** The Meta key with the id of the session that an entry is tied to. */
export const sessionMeta = 'sd_session'
/** The prefix of the Meta keys with the record, in chunks: `sd_record_0`, `sd_record_1`, … */
const recordMeta = 'sd_record_'
/** Consul refuses Meta values longer than this, in bytes of UTF-8. */
const maxMetaBytes = 512

type Meta = Readonly<Record<string, string>>

/** The text of a record as Meta entries, never split within a character. */
export const toMeta = (record: Uint8Array, sessionId: string): Meta => {
  const meta: Record<string, string> = { [sessionMeta]: sessionId }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for (let from = 0, count = 0; from < record.length; count += 1) {
    let to = Math.min(from + maxMetaBytes, record.length)
    // 10xxxxxx continues a character
    while (to < record.length && ((record[to] ?? 0) & 0xc0) === 0x80) to -= 1
    meta[`${recordMeta}${count}`] = decoder.decode(record.subarray(from, to))
    from = to
  }
  return meta
}

const recordOf = (meta: Meta): string => {
  let text = ''
  for (let count = 0; ; count += 1) {
    const chunk = meta[`${recordMeta}${count}`]
    if (chunk === undefined) return text
    text += chunk
  }
}

/** An entry of the catalog, or of the agent. */
export interface ServiceEntry extends CheckStatus {
  readonly key: RecordKey
  /** The agent's node; empty in the agent's own answer. */
  readonly node: string
  readonly serviceId: string
  /** The Raft index of its last change in the catalog; 0 in the agent's own answer. */
  readonly modifyIndex: number
  /** The session that wrote it; empty for an entry of another program. */
  readonly sessionId: string
  /** The record's document; empty for an entry of another program. */
  readonly text: string
  readonly checkIds: readonly string[]
}

interface RawService {
  readonly ID: string
  readonly Meta?: Meta | null
  readonly ModifyIndex?: number
}

interface RawEntry {
  readonly Node: { readonly Node: string }
  readonly Service: RawService
  readonly Checks?: readonly Check[] | null
}

/** The JSON in an answer. */
export const parseJson = (text: string, operation: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `the answer is not JSON, so the endpoint is not a Consul agent (${String(cause)})`
    throw consulError('unavailable', operation, message)
  }
}

const entryOf = (
  node: string,
  { ID, Meta, ModifyIndex = 0 }: RawService,
  checks: readonly Check[],
): ServiceEntry => {
  const sessionId = Meta?.[sessionMeta] ?? ''
  return {
    key: recordKeyOf(node, ID),
    node,
    serviceId: ID,
    modifyIndex: ModifyIndex,
    sessionId,
    text: recordOf(Meta ?? {}),
    ...checkStatusOf(checks, ID, sessionId),
    checkIds: checks.map(({ CheckID }) => CheckID),
  }
}

/** The entries in an answer of `health/service`. */
export const parseEntries = (text: string, operation: string): readonly ServiceEntry[] =>
  (parseJson(text, operation) as readonly RawEntry[]).map(({ Node, Service, Checks }) =>
    entryOf(Node.Node, Service, Checks ?? []),
  )

/** The agent's answer about one of its own services, which does not name the node. */
export const parseAgentEntry = (text: string, operation: string): ServiceEntry =>
  entryOf('', parseJson(text, operation) as RawService, [])

/** A decoded entry as readers get it: where the owner reports no trouble, other checks may. */
export const withForeignHealth = (
  record: DecodedRecord,
  { foreign }: Pick<ServiceEntry, 'foreign'>,
): DecodedRecord => {
  if (foreign === undefined || !isReadable(record) || record.instance.health !== 'passing')
    return record
  return { ...record, instance: { ...record.instance, health: foreign } }
}

/** An entry in core's form: decoded, or skipped with the reason. */
export const decodeEntry = (
  keys: Keys,
  format: WireFormat,
  { key, serviceId, sessionId, text }: ServiceEntry,
): DecodedRecord => {
  const instance = keys.instanceOf(serviceId)
  if (instance === undefined) return { key, reason: 'it was not registered by @sd/consul' }
  return decodeRecord(format, format.key(instance, sessionId), Buffer.from(text), key)
}
