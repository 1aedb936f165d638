import type { InstanceRecord } from '../model/instance-record.ts'
import type { PutRequest } from './registry-driver.ts'

/**
 * How an instance is written as one document. Keys are relative to the namespace:
 * `<encoded service>/<encoded id>` in the default format.
 */
export interface WireFormat {
  readonly name: string
  /**
   * Whether records say who holds them. Without, a record is only replaced where it is absent or of
   * the writer's own session: two owners who cannot be ranked would fight for ever.
   */
  readonly carriesClaims: boolean
  /** Where the instance is stored, relative to the namespace. */
  key(instance: { readonly service: string; readonly id: string }, sessionId: string): string
  /** The prefix, relative to the namespace, under which all records of `service` lie. */
  prefix(service: string): string
  /** The service whose prefix `key` lies under; `undefined` for somebody else's key. */
  serviceOf(key: string): string | undefined
  /** Throws `unsupported` for what the format cannot express; what may be too large core encodes before any I/O. */
  encode(request: PutRequest): Uint8Array
  /** Never throws: what cannot be read is skipped, with the reason. `key` is relative to the namespace. */
  decode(key: string, value: Uint8Array): Omit<InstanceRecord, 'key'> | { readonly skipped: string }
}
