import type { PutRequest } from '@sd/core/driver'
import type { InstanceName } from '../keys.ts'
import type { Check } from './check-status.ts'

/** A service as Consul lists it. */
export interface ListedService {
  readonly ID: string
  readonly Service: string
  readonly Tags?: readonly string[] | null
  readonly Meta?: Readonly<Record<string, string>> | null
  readonly Address?: string
  readonly Port?: number
  readonly TaggedAddresses?: Readonly<
    Record<string, { readonly Address: string; readonly Port: number }>
  > | null
  readonly ModifyIndex?: number
}

/** What an entry says about its record. */
export interface StoredRecord {
  /** The session that wrote it; empty for an entry of another program. */
  readonly sessionId: string
  /** The record's document; empty where there is none. */
  readonly text: string
}

/** The parts of a registration that carry a record. */
export interface RecordFields {
  /** Fields of the service. */
  readonly service: object
  /** The notes of its check. */
  readonly notes: string
}

/** Where the records of a namespace are in Consul: their names, and the fields that carry them. */
export interface ServiceLayout {
  /** The name of the check that keeps an instance alive; `undefined`: the name that Consul gives. */
  readonly checkName: string | undefined
  /** The name of the check that says that an instance is not passing. */
  readonly healthCheckName: string
  /** The name of a service in Consul. */
  serviceName(service: string): string
  /** The inverse; `undefined` for a service of another namespace or program. */
  serviceOf(serviceName: string): string | undefined
  /** The id under which this package registers an instance. */
  serviceId(instance: InstanceName): string
  /** The id under which other programs may have registered the same instance. */
  foreignId(instance: InstanceName): string | undefined
  /** The instance of an id that this package makes; `undefined` for any other. */
  instanceOf(serviceId: string): InstanceName | undefined
  /** The instance of an entry; `undefined` if it is none of this namespace. */
  identify(entry: {
    readonly serviceName: string
    readonly serviceId: string
  }): InstanceName | undefined
  /** The document as an entry will show it. Throws for a document that Consul cannot store. */
  textOf(document: string): string
  fieldsOf(request: PutRequest, text: string, sessionId: string): RecordFields
  storedIn(service: ListedService, checks: readonly Check[]): StoredRecord
  /** A filter of `health/service` for the entries that a session wrote. */
  writtenBy(sessionId: string): string
  /** The path that lists what a session has at its agent; each entry of the answer names a service. */
  tiedTo(sessionId: string): string
}
