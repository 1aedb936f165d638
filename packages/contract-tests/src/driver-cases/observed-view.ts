import type {
  Contents,
  Cursor,
  InstanceRecord,
  Observation,
  RegistryDriver,
  Scope,
} from '@sd/core/driver'
import { eventually } from '../eventually.ts'
import { orders } from '../requests.ts'

/** Start of an {@link ObservedView}. */
export interface ObservedViewOptions {
  /** `orders` by default. */
  readonly scope?: Scope
  /** The initial contents: with `cursor`, what was read at that cursor. */
  readonly from?: Contents
  readonly cursor?: Cursor | undefined
}

/**
 * The view that a driver's observations result in, applied as core applies them. Reads in the
 * background until `stop`. Neither resumes nor starts over: `failure` holds the error that ended
 * it.
 */
export class ObservedView {
  readonly observations: Observation[] = []
  readonly records: Map<string, InstanceRecord> = new Map()
  readonly services: Set<string> = new Set()
  readonly #end = new AbortController()
  readonly #done: Promise<void>
  /** What the driver threw. */
  failure: unknown
  /** Whether the observation is over, for any reason. */
  ended: boolean = false

  constructor(driver: RegistryDriver, { scope = orders, from, cursor }: ObservedViewOptions = {}) {
    if (from !== undefined) this.#add(from)
    this.#done = this.#read(driver.observe(scope, cursor, this.#end.signal))
  }

  /** The ids that are in the view, sorted. */
  get ids(): readonly string[] {
    return Array.from(this.records.values(), ({ instance }) => instance.id).toSorted()
  }

  /** The last cursor that was received. */
  get cursor(): Cursor | undefined {
    return this.observations.findLast(({ cursor }) => cursor !== undefined)?.cursor
  }

  /**
   * Waits until the view `holds`; throws past the deadline, or the error that ended the
   * observation.
   */
  async until(what: string, deadlineMs: number, holds: (view: this) => boolean): Promise<void> {
    const state = await eventually(
      what,
      deadlineMs,
      () => (holds(this) ? 'reached' : this.ended && 'ended'),
      () => ({
        ids: this.ids,
        services: [...this.services],
        told: this.observations.map(describe),
      }),
    )
    if (state === 'reached') return
    if (this.failure !== undefined) throw this.failure as Error
    throw new Error(`${what}: the observation ended without an error`)
  }

  /** Waits until the view has exactly these ids. */
  async sees(ids: readonly string[], deadlineMs: number): Promise<void> {
    const wanted = ids.toSorted().join()
    await this.until(`the view contains ${wanted || 'nothing'}`, deadlineMs, (view) => {
      return view.observations.length > 0 && view.ids.join() === wanted
    })
  }

  /** Waits until the observation is over, and returns what it threw. */
  async fails(deadlineMs: number): Promise<unknown> {
    await eventually(
      'the observation ends',
      deadlineMs,
      () => this.ended,
      () => this.observations.map(describe),
    )
    if (this.failure === undefined) throw new Error('the observation ended without an error')
    return this.failure
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('the case is over'))
    await this.#done
  }

  async #read(observing: AsyncIterable<Observation>): Promise<void> {
    try {
      for await (const observation of observing) {
        this.observations.push(observation)
        if (observation.type === 'alive') continue
        if (observation.type === 'snapshot') {
          this.records.clear()
          this.services.clear()
        } else {
          for (const key of observation.removed) this.records.delete(key)
          for (const name of observation.removedServices ?? []) this.services.delete(name)
        }
        this.#add(observation)
      }
    } catch (error) {
      this.failure = error
    }
    this.ended = true
  }

  #add({ records, skipped, services = [] }: Contents): void {
    for (const record of records) this.records.set(record.key, record)
    for (const { key } of skipped) this.records.delete(key)
    for (const name of services) this.services.add(name)
  }
}

const describe = (observation: Observation): string =>
  observation.type === 'alive'
    ? 'alive'
    : `${observation.type} of ${observation.records.map(({ instance }) => instance.id).join()}`
