import { addressOf, bareHost, type PutRequest } from '@sd/core/driver'
import { type InstanceName, Keys } from '../keys.ts'
import type { ListedService, RecordFields, ServiceLayout, StoredRecord } from './service-layout.ts'

/** The Meta key with the id of the session that an entry is tied to. */
const sessionMeta = 'sd_session'
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

/** Host and port of the first endpoint, for DNS and for clients that do not read the record. */
const addressIn = (endpoint: string | undefined): { Address?: string; Port?: number } => {
  if (endpoint === undefined || !URL.canParse(endpoint)) return {}
  return {
    Address: bareHost(new URL(endpoint).hostname),
    Port: addressOf(endpoint)?.port ?? 0,
  }
}

/** The layout of formats of one document: the document in chunks of Meta, and the session beside it. */
export class OwnLayout extends Keys implements ServiceLayout {
  foreignId(): undefined {
    return undefined
  }

  identify({ serviceId }: { readonly serviceId: string }): InstanceName | undefined {
    return this.instanceOf(serviceId)
  }

  textOf(document: string): string {
    return document
  }

  fieldsOf({ instance, claim }: PutRequest, text: string, sessionId: string): RecordFields {
    return {
      service: {
        ...addressIn(instance.endpoints[0]),
        Tags: instance.tags,
        // Consul refuses 0: a drained instance has weight 1 here, and 0 in its record
        Weights: { Passing: Math.max(1, instance.weight), Warning: 1 },
        Meta: toMeta(Buffer.from(text), sessionId),
      },
      // every edit changes the check, too, as watches of many services read only checks
      notes: `registered by ${claim.owner} at ${claim.claimedAtMs}, edit ${claim.seq}, session ${sessionId}`,
    }
  }

  storedIn({ Meta }: Pick<ListedService, 'Meta'>): StoredRecord {
    return { sessionId: Meta?.[sessionMeta] ?? '', text: recordOf(Meta ?? {}) }
  }

  writtenBy(sessionId: string): string {
    return `Service.Meta.${sessionMeta} == "${sessionId}"`
  }

  tiedTo(sessionId: string): string {
    return `agent/services?filter=${encodeURIComponent(`Meta.${sessionMeta} == "${sessionId}"`)}`
  }
}
