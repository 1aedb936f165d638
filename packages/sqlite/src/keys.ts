import {
  type InstanceRecord,
  type RecordKey,
  type Scope,
  type SkippedRecord,
  toRecordKey,
  type WireFormat,
} from '@sd/core/driver'

/**
 * Where one namespace's records lie on the server, and how they are read. Names are encoded by
 * the format; nothing else builds or takes apart a key.
 */
export class Keys {
  readonly #prefix: string
  readonly #format: WireFormat

  constructor(namespace: string, format: WireFormat) {
    this.#prefix = `${namespace}/`
    this.#format = format
  }

  /** The stored key of an instance's record. */
  of(place: { readonly service: string; readonly id: string }, sessionId: string): string {
    return `${this.#prefix}${this.#format.key(place, sessionId)}`
  }

  /** What the stored keys of `scope` begin with. */
  prefix(scope: Scope): string {
    return `${this.#prefix}${'service' in scope ? this.#format.prefix(scope.service) : ''}`
  }

  /** The key that core knows a stored one by: relative to the namespace. */
  recordKey(stored: string): RecordKey {
    return toRecordKey(stored.slice(this.#prefix.length))
  }

  /** A stored record as core takes it: read, or skipped with the reason. */
  read(stored: string, value: Uint8Array): InstanceRecord | SkippedRecord {
    const key = this.recordKey(stored)
    const decoded = this.#format.decode(key, value)
    return 'skipped' in decoded ? { key, reason: decoded.skipped } : { key, ...decoded }
  }
}
