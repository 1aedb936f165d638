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

/** The records of one id: nearly always one, for which an array would be much of the memory. */
type RecordsOfId = InstanceRecord | readonly InstanceRecord[]

const toList = (records: RecordsOfId | undefined): readonly InstanceRecord[] => {
  if (records === undefined) return []
  return 'instance' in records ? [records] : records
}

const keyOf = ({ instance }: InstanceRecord): string => instanceKey(instance.service, instance.id)

/**
 * Instances by key. A backend may hold several records of one id. The view serves the one with the
 * highest claim, and the next one when that is removed.
 */
export class InstanceView implements View<ServiceInstance, InstanceChange> {
  readonly #onSkipped: (skipped: SkippedRecord) => void
  #records = new Map<RecordKey, InstanceRecord>()
  #byKey = new Map<string, RecordsOfId>()

  /** `onSkipped` is called with every unreadable record. */
  constructor(onSkipped: (skipped: SkippedRecord) => void) {
    this.#onSkipped = onSkipped
  }

  record(key: string): InstanceRecord | undefined {
    return highestRecord(toList(this.#byKey.get(key)))
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
    let before = new Map<string, RecordsOfId | undefined>()
    if (observation.type === 'snapshot') {
      before = this.#byKey
      this.#records = new Map()
      this.#byKey = new Map()
    } else {
      for (const key of observation.removed) this.#drop(key, before)
      for (const { key } of observation.skipped) this.#drop(key, before)
    }
    for (const record of observation.records) this.#put(freezeRecord(record), before)
    return this.#touched(before)
  }

  /** `before` gets the records that a touched id had. */
  #put(record: InstanceRecord, before: Map<string, RecordsOfId | undefined>): void {
    const key = keyOf(record)
    const replaced = this.#records.get(record.key)
    if (replaced !== undefined && keyOf(replaced) !== key) this.#drop(record.key, before)
    const records = this.#byKey.get(key)
    if (!before.has(key)) before.set(key, records)
    this.#records.set(record.key, record)
    const others = toList(records).filter((each) => each.key !== record.key)
    this.#byKey.set(key, others.length === 0 ? record : [...others, record])
  }

  #drop(recordKey: RecordKey, before: Map<string, RecordsOfId | undefined>): void {
    const record = this.#records.get(recordKey)
    if (record === undefined) return
    const key = keyOf(record)
    const records = this.#byKey.get(key)
    if (!before.has(key)) before.set(key, records)
    this.#records.delete(recordKey)
    const [first, ...more] = toList(records).filter((each) => each.key !== recordKey)
    if (first === undefined) this.#byKey.delete(key)
    else this.#byKey.set(key, more.length === 0 ? first : [first, ...more])
  }

  #touched(before: ReadonlyMap<string, RecordsOfId | undefined>): Touched<ServiceInstance> {
    const touched = new Map<string, Touch<ServiceInstance>>()
    for (const [key, records] of before) {
      const served = highestRecord(toList(records))
      const serves = this.record(key)
      if (serves === undefined) {
        if (served !== undefined) touched.set(key, { value: undefined, ttlMs: served.ttlMs })
      } else if (served === undefined || !sameInstance(served.instance, serves.instance))
        touched.set(key, { value: serves.instance })
    }
    return touched
  }
}
