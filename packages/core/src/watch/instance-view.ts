import {
  instanceKey,
  freezeRecord,
  highestRecord,
  type InstanceRecord,
  type RecordKey,
  type SkippedRecord,
} from '../model/instance-record.ts'
import type { Observation } from '../driver/registry-driver.ts'
import { sameInstance, type ServiceInstance } from '../model/service-instance.ts'
import type { Touch, Touched, View } from './served-view.ts'
import type { InstanceChange } from './watch-event.ts'

/**
 * Instances by key. A backend may hold several records of one id. The view serves the one with the
 * highest claim, and the next one when that is removed.
 */
export class InstanceView implements View<ServiceInstance, InstanceChange> {
  readonly #onSkipped: (skipped: SkippedRecord) => void
  #records = new Map<RecordKey, InstanceRecord>()
  /** The records of each key; nearly always one. */
  #byKey = new Map<string, Set<RecordKey>>()
  #served = new Map<string, InstanceRecord>()

  /** `onSkipped` is called with every unreadable record. */
  constructor(onSkipped: (skipped: SkippedRecord) => void) {
    this.#onSkipped = onSkipped
  }

  record(key: string): InstanceRecord | undefined {
    return this.#served.get(key)
  }

  same(a: ServiceInstance, b: ServiceInstance): boolean {
    return sameInstance(a, b)
  }

  toChange(told: ServiceInstance | undefined, served: ServiceInstance | undefined): InstanceChange {
    if (served === undefined) return { type: 'removed', instance: told as ServiceInstance }
    if (told === undefined) return { type: 'added', instance: served }
    return { type: 'updated', instance: served, previous: told }
  }

  apply(observation: Exclude<Observation, { type: 'alive' }>): Touched<ServiceInstance> {
    for (const skipped of observation.skipped) this.#onSkipped(skipped)
    const keys = new Set<string>()
    if (observation.type === 'snapshot') {
      for (const key of this.#byKey.keys()) keys.add(key)
      this.#records = new Map()
      this.#byKey = new Map()
    } else {
      for (const key of observation.removed) this.#drop(key, keys)
      for (const { key } of observation.skipped) this.#drop(key, keys)
    }
    for (const record of observation.records) this.#put(freezeRecord(record), keys)
    return this.#serve(keys)
  }

  #put(record: InstanceRecord, keys: Set<string>): void {
    const key = instanceKey(record.instance.service, record.instance.id)
    keys.add(key)
    const before = this.#records.get(record.key)
    if (before !== undefined) {
      const { service, id } = before.instance
      // in place, as deleting and inserting makes a large map rehash
      if (instanceKey(service, id) === key) {
        this.#records.set(record.key, record)
        return
      }
      this.#drop(record.key, keys)
    }
    this.#records.set(record.key, record)
    const named = this.#byKey.get(key)
    if (named === undefined) this.#byKey.set(key, new Set([record.key]))
    else named.add(record.key)
  }

  #drop(recordKey: RecordKey, keys: Set<string>): void {
    const record = this.#records.get(recordKey)
    if (record === undefined) return
    const key = instanceKey(record.instance.service, record.instance.id)
    this.#records.delete(recordKey)
    const named = this.#byKey.get(key)
    named?.delete(recordKey)
    if (named?.size === 0) this.#byKey.delete(key)
    keys.add(key)
  }

  #serve(keys: ReadonlySet<string>): Touched<ServiceInstance> {
    const touched = new Map<string, Touch<ServiceInstance>>()
    for (const key of keys) {
      const before = this.#served.get(key)
      const after = highestRecord(this.#recordsOf(key))
      if (after === undefined) this.#served.delete(key)
      else this.#served.set(key, after)
      if (after === undefined) {
        if (before !== undefined) touched.set(key, { value: undefined, ttlMs: before.ttlMs })
      } else if (before === undefined || !sameInstance(before.instance, after.instance))
        touched.set(key, { value: after.instance })
    }
    return touched
  }

  *#recordsOf(key: string): Iterable<InstanceRecord> {
    for (const recordKey of this.#byKey.get(key) ?? []) {
      const record = this.#records.get(recordKey)
      if (record !== undefined) yield record
    }
  }
}
