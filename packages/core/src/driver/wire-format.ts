import type { InstanceRecord } from '../model/instance-record.ts'
import type { PutRequest } from './registry-driver.ts'

/**
 * How an instance is written as one document, and under which key. Keys are relative to the
 * namespace: `<encoded service>/<encoded id>` in the default format.
 */
export interface WireFormat {
  /** A short name for messages, e.g. `json`. */
  readonly name: string
  /**
   * Whether documents carry the claim of their owner. Without one a record is replaced only where it
   * is absent or tied to an own session: two owners without an order would overwrite each other forever.
   */
  readonly carriesClaims: boolean
  /** Where the instance is stored, relative to the namespace. */
  key(instance: { readonly service: string; readonly id: string }, sessionId: string): string
  /** The prefix of the keys of all records of `service`. */
  prefix(service: string): string
  /** The service that `key` belongs to; `undefined` when this format did not make the key. */
  serviceOf(key: string): string | undefined
  /**
   * The document. Core calls it before any I/O where the record may be too large.
   * @throws RegistryError `unsupported` for what the format cannot express
   */
  encode(request: PutRequest): Uint8Array
  /** The record that `value` describes, or why it cannot be read. Never throws. */
  decode(key: string, value: Uint8Array): Omit<InstanceRecord, 'key'> | { readonly skipped: string }
}
