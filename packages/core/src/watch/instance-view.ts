import {
  instanceKeyOf,
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

/** The records of one id: nearly always one, for which an array would be much of the memory. */
type RecordsOfId = InstanceRecord | readonly InstanceRecord[]

const toList = (records: RecordsOfId | undefined): readonly InstanceRecord[] => {
  if (records === undefined) return []
  return 'instance' in records ? [records] : records
}

const servedOf = (records: RecordsOfId | undefined): InstanceRecord | undefined =>
  records === undefined || 'instance' in records ? records : highestRecord(records)

const without = (
  records: RecordsOfId | undefined,
  recordKey: RecordKey,
): RecordsOfId | undefined => {
  const [first, ...more] = toList(records).filter(({ key }) => key !== recordKey)
  return first === undefined || more.length === 0 ? first : [first, ...more]
}

/**
 * Instances by key. A backend may hold several records of one id. The view serves the one with the
 * highest claim, and the next one when that is removed.
 */
export class InstanceView implements View<ServiceInstance, InstanceChange> {
  readonly #onSkipped: (skipped: SkippedRecord) => void
  #byKey = new Map<string, RecordsOfId>()
  /** The keys of the instances of those records whose own key is another one. */
  #otherKeys = new Map<RecordKey, string>()

  /** `onSkipped` is called with every unreadable record. */
  constructor(onSkipped: (skipped: SkippedRecord) => void) {
    this.#onSkipped = onSkipped
  }

  record(key: string): InstanceRecord | undefined {
    return servedOf(this.#byKey.get(key))
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
    if (observation.type === 'snapshot') {
      const before = this.#byKey
      this.#byKey = new Map()
      this.#otherKeys = new Map()
      for (const record of observation.records) this.#put(freezeRecord(record))
      const touched = new Map<string, Touch<ServiceInstance>>()
      for (const [key, records] of before) this.#touch(touched, key, records)
      for (const key of this.#byKey.keys())
        if (!before.has(key)) this.#touch(touched, key, undefined)
      return touched
    }
    const before = new Map<string, RecordsOfId | undefined>()
    for (const key of observation.removed) this.#drop(key, before)
    for (const { key } of observation.skipped) this.#drop(key, before)
    for (const record of observation.records) this.#put(freezeRecord(record), before)
    const touched = new Map<string, Touch<ServiceInstance>>()
    for (const [key, records] of before) this.#touch(touched, key, records)
    return touched
  }

  /** The key of the instance whose record is stored under `recordKey`, if there is one. */
  #keyOf(recordKey: RecordKey): string | undefined {
    const key = this.#otherKeys.get(recordKey) ?? recordKey
    const records = this.#byKey.get(key)
    if (records === undefined) return undefined
    return toList(records).some((record) => record.key === recordKey) ? key : undefined
  }

  /** `before` gets the records that a touched id had. */
  #put(record: InstanceRecord, before?: Map<string, RecordsOfId | undefined>): void {
    const key = instanceKeyOf(record)
    const replaced = this.#keyOf(record.key)
    if (replaced !== undefined && replaced !== key) this.#drop(record.key, before)
    const records = this.#byKey.get(key)
    if (before?.has(key) === false) before.set(key, records)
    if (key !== record.key) this.#otherKeys.set(record.key, key)
    const others = records && without(records, record.key)
    this.#byKey.set(key, others === undefined ? record : [...toList(others), record])
  }

  #drop(recordKey: RecordKey, before?: Map<string, RecordsOfId | undefined>): void {
    const key = this.#keyOf(recordKey)
    if (key === undefined) return
    const records = this.#byKey.get(key)
    if (before?.has(key) === false) before.set(key, records)
    this.#otherKeys.delete(recordKey)
    const others = without(records, recordKey)
    if (others === undefined) this.#byKey.delete(key)
    else this.#byKey.set(key, others)
  }

  /** Adds the key to `touched` if what is served differs from what `records` served. */
  #touch(
    touched: Map<string, Touch<ServiceInstance>>,
    key: string,
    records: RecordsOfId | undefined,
  ): void {
    const served = servedOf(records)
    const serves = this.record(key)
    if (serves === undefined) {
      if (served !== undefined) touched.set(key, { value: undefined, ttlMs: served.ttlMs })
    } else if (served === undefined || !sameInstance(served.instance, serves.instance))
      touched.set(key, { value: serves.instance })
  }
}
