import { type InstanceRecord, toRecordKey } from '../../../src/model/instance-record.ts'
import type { PutRequest } from '../../../src/driver/registry-driver.ts'
import type { Claim } from '../../../src/model/claim.ts'
import type { ServiceInstance } from '../../../src/model/service-instance.ts'

/** The value under a key. Without an instance it is garbage that no reader can decode. */
export interface StoredValue {
  readonly instance?: ServiceInstance
  readonly claim?: Claim
  readonly ttlMs?: number
  readonly registeredAtMs?: number
}

/** A stored record, with the lease that it is tied to. */
export interface Stored {
  readonly value: StoredValue
  readonly lease: string | undefined
  readonly revision: number
}

export const keyOf = (place: { readonly service: string; readonly id: string }): string =>
  `${place.service}/${place.id}`

export const serviceOf = (key: string): string => key.slice(0, key.indexOf('/'))

export const toStoredValue = (request: PutRequest): StoredValue => ({
  instance: request.instance,
  claim: request.claim,
  ttlMs: request.ttlMs,
  registeredAtMs: request.registeredAtMs,
})

/** The record that a reader decodes; `undefined` for garbage. */
export const toRecord = (key: string, { value }: Stored): InstanceRecord | undefined => {
  const { instance, claim, ttlMs, registeredAtMs } = value
  if (instance === undefined) return undefined
  return {
    key: toRecordKey(key),
    instance,
    ...(claim === undefined ? {} : { claim }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(registeredAtMs === undefined ? {} : { registeredAtMs }),
  }
}

/** The handle of the simulation's model that made the record; `undefined` for a third party's. */
export const handleOf = (value: StoredValue): number | undefined => {
  const handle = value.instance?.metadata['handle']
  return handle === undefined ? undefined : Number(handle)
}
