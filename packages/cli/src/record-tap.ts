import type {
  Contents,
  DriverFactory,
  InstanceRecord,
  Observation,
  RecordKey,
  RegistryDriver,
} from '@sd/core/driver'
import { compareClaims } from '@sd/core/driver'

const nameOf = (service: string, id: string): string => JSON.stringify([service, id])

/**
 * Listens between a registry and its driver, for what records say besides the instance: since
 * when it is registered, by whom, and which ones cannot be read. For a registry of which one scope
 * is read.
 */
export class RecordTap {
  readonly #records = new Map<RecordKey, InstanceRecord>()
  readonly #skipped = new Map<RecordKey, string>()
  /** By service and id; several records may bear the same. */
  readonly #byName = new Map<string, Set<RecordKey>>()

  /** The record that is served for this instance; `undefined` for one that is not there any more. */
  find(service: string, id: string): InstanceRecord | undefined {
    const [first, ...rest] = this.all(service, id)
    return rest.reduce(
      (best, record) =>
        best?.claim && record.claim && compareClaims(record.claim, best.claim) < 0 ? best : record,
      first,
    )
  }

  /** All records of one instance: on Consul each agent may have one. */
  all(service: string, id: string): readonly InstanceRecord[] {
    const keys = this.#byName.get(nameOf(service, id)) ?? []
    return [...keys].flatMap((key) => this.#records.get(key) ?? [])
  }

  /** The records that cannot be read, and why. */
  get skipped(): ReadonlyMap<RecordKey, string> {
    return this.#skipped
  }

  /** A driver that does what `source` makes does, and is listened to. */
  around(source: DriverFactory | RegistryDriver): DriverFactory {
    return (context) => {
      const driver = typeof source === 'function' ? source(context) : source
      return {
        backend: driver.backend,
        capabilities: driver.capabilities,
        openSession: (options, signal) => driver.openSession(options, signal),
        list: async (scope, signal) => {
          const contents = await driver.list(scope, signal)
          this.#replace(contents)
          return contents
        },
        observe: (scope, cursor, signal) => this.#listen(driver.observe(scope, cursor, signal)),
        probe: (signal) => driver.probe(signal),
        ...(driver.diagnose ? { diagnose: driver.diagnose.bind(driver) } : {}),
        ...(driver.edit ? { edit: driver.edit.bind(driver) } : {}),
        [Symbol.asyncDispose]: async () => driver[Symbol.asyncDispose](),
      }
    }
  }

  async *#listen(observations: AsyncIterable<Observation>): AsyncGenerator<Observation> {
    for await (const observation of observations) {
      if (observation.type === 'snapshot') this.#replace(observation)
      else if (observation.type === 'changes') {
        for (const key of observation.removed) this.#drop(key)
        this.#add(observation)
      }
      yield observation
    }
  }

  #replace(contents: Contents): void {
    this.#records.clear()
    this.#skipped.clear()
    this.#byName.clear()
    this.#add(contents)
  }

  #add({ records, skipped }: Contents): void {
    for (const record of records) {
      this.#drop(record.key)
      this.#records.set(record.key, record)
      const name = nameOf(record.instance.service, record.instance.id)
      const keys = this.#byName.get(name)
      if (keys === undefined) this.#byName.set(name, new Set([record.key]))
      else keys.add(record.key)
    }
    for (const { key, reason } of skipped) {
      this.#drop(key)
      this.#skipped.set(key, reason)
    }
  }

  #drop(key: RecordKey): void {
    this.#skipped.delete(key)
    const record = this.#records.get(key)
    if (record === undefined) return
    this.#records.delete(key)
    const name = nameOf(record.instance.service, record.instance.id)
    const keys = this.#byName.get(name)
    keys?.delete(key)
    if (keys?.size === 0) this.#byName.delete(name)
  }
}
