import type { InstanceRecord } from '../model/instance-record.ts'
import type { ServiceInstance } from '../model/service-instance.ts'
import type { FormatCarrier, PutRequest } from './registry-driver.ts'

/**
 * A part of a record that a format may have no room for. `id`: ids of other shapes are replaced by
 * one that the format can express. `endpoints`: one address, without its scheme.
 */
export type FormatPart =
  | 'id'
  | 'endpoints'
  | 'version'
  | 'zone'
  | 'weight'
  | 'health'
  | 'tags'
  | 'metadata'
  | 'claim'
  | 'ttlMs'
  | 'registeredAtMs'
  | 'unknownFields'

/**
 * How the records of a fleet are written: encodes an instance as one document and names its key. Keys
 * are relative to the namespace: `<encoded service>/<encoded id>` in the default format. See
 * docs/writing-a-format.md.
 */
export interface WireFormat {
  /** A short name for messages and URLs, e.g. `json`. */
  readonly name: string
  /**
   * What a record has no room for. Readers get the default, also from records of `@sd`. Without
   * `claim` a put succeeds only where no record exists or an own session holds it: two owners would
   * otherwise overwrite each other forever.
   */
  readonly lacks: readonly FormatPart[]
  /**
   * Whether programs other than `@sd` write in this format. Their records have no claim, and they
   * overwrite without a comparison. A registration that such a record replaces is superseded: two
   * owners would otherwise overwrite each other forever. Default false.
   */
  readonly foreignWriters?: boolean
  /** Default `value`. */
  readonly carrier?: FormatCarrier
  /** The namespace where none is configured. Default: that of the backend. May be empty. */
  readonly defaultNamespace?: string
  /**
   * The prefix of all keys of a namespace, in a backend whose keys are plain strings (etcd). Default:
   * `<namespace>/`. Not called for ZooKeeper, whose paths all begin with a slash.
   */
  namespacePrefix?(namespace: string): string
  /** The key of the instance, relative to the namespace. The same for the life of a session. */
  key(instance: { readonly service: string; readonly id: string }, sessionId: string): string
  /** The prefix of the keys of all records of `service`. Ends in a slash. */
  prefix(service: string): string
  /** The service of `key`; `undefined` when `key` is not of this format. */
  serviceOf(key: string): string | undefined
  /**
   * Why no record of `instance` can be written, e.g. for a name that cannot be part of a key. Core
   * refuses it with `unsupported`, before any I/O. Default: every instance can be written.
   */
  refusal?(instance: ServiceInstance): string | undefined
  /** Encodes the document. Not called for an instance that `refusal` refuses. */
  encode(request: PutRequest): Uint8Array
  /** Decodes `value`, or returns why it cannot be read. Never throws. */
  decode(key: string, value: Uint8Array): DecodedDocument
}

/** What a document says, or why it cannot be read. */
export type DecodedDocument = Omit<InstanceRecord, 'key'> | { readonly skipped: string }
