import type { InstanceRecord } from '../model/instance-record.ts'
import type { PutRequest } from './registry-driver.ts'

/**
 * Encodes an instance as one document and names its key. Keys are relative to the namespace:
 * `<encoded service>/<encoded id>` in the default format.
 */
export interface WireFormat {
  /** A short name for messages, e.g. `json`. */
  readonly name: string
  /**
   * Whether documents carry the claim of their owner. Without claims a put succeeds only where no
   * record exists or an own session holds it: two owners would otherwise overwrite each other forever.
   */
  readonly carriesClaims: boolean
  /** The key of the instance, relative to the namespace. */
  key(instance: { readonly service: string; readonly id: string }, sessionId: string): string
  /** The prefix of the keys of all records of `service`. */
  prefix(service: string): string
  /** The service of `key`; `undefined` when `key` is not of this format. */
  serviceOf(key: string): string | undefined
  /**
   * Encodes the document. Core also calls it before any I/O where the record may be too large.
   * @throws RegistryError `unsupported` for what the format cannot express
   */
  encode(request: PutRequest): Uint8Array
  /** Decodes `value`, or returns why it cannot be read. Never throws. */
  decode(key: string, value: Uint8Array): Omit<InstanceRecord, 'key'> | { readonly skipped: string }
}
