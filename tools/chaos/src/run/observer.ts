import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from '@sd/core'
import { makeFactory } from '@sd/contract-tests/world'
import { differencesIn } from '../checker/check-settled.ts'
import type { Bounds } from '../checker/bounds.ts'
import { Model } from '../checker/model.ts'
import { seen } from '../processes/client.ts'
import { services } from '../schedule/round.ts'
import {
  type EventOf,
  reader,
  type ReportedProcess,
  type SeenInstance,
} from '../timeline/timeline-event.ts'
import type { ChaosBackend } from '../backends/chaos-backend.ts'
import type { Recorder } from './recorder.ts'

/** How often the run lists every service. */
const listEveryMs = 700
/** How often a quiet time is looked at. */
const lookEveryMs = 250

/** Lists the backend past both links, all the time, and waits for quiet times to settle. */
export class Observer implements AsyncDisposable {
  readonly #registry: Registry
  readonly #recorder: Recorder
  readonly #bounds: Bounds
  readonly #ended: Promise<void>
  #over = false

  private constructor(registry: Registry, recorder: Recorder, bounds: Bounds) {
    this.#registry = registry
    this.#recorder = recorder
    this.#bounds = bounds
    this.#ended = this.#keepListing()
  }

  static async open(backend: ChaosBackend, recorder: Recorder, bounds: Bounds): Promise<Observer> {
    const { ttlMs, callTimeoutMs } = bounds
    const factory = await makeFactory(backend.place('direct'))
    return new Observer(new Registry(factory, { ttlMs, callTimeoutMs }), recorder, bounds)
  }

  /**
   * Waits until all is as the guarantees promise it, at most for the bound, and records the last
   * snapshot. `states` asks every process.
   */
  async settle(states: () => Promise<readonly ReportedProcess[]>): Promise<void> {
    const deadlineMs = this.#recorder.nowMs() + this.#bounds.settledMs
    for (;;) {
      const snapshot = await this.#look(states)
      const timeline = this.#recorder.events.toSorted((one, other) => one.atMs - other.atMs)
      const model = new Model(timeline, this.#bounds)
      if (differencesIn(model, snapshot).length === 0 || snapshot.atMs > deadlineMs) {
        this.#recorder.add(snapshot)
        return
      }
      await delay(lookEveryMs)
    }
  }

  /** Lists every service once, and records what it finds. */
  async listOnce(): Promise<void> {
    for (const service of services) {
      const startedMs = this.#recorder.nowMs()
      const listed = await this.#list(service).catch(() => undefined)
      this.#recorder.note({
        type: 'listed',
        process: reader,
        service,
        startedMs,
        ending: listed === undefined ? 'failed' : 'resolved',
        instances: listed ?? [],
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true
    await this.#ended
    await this.#registry.close()
  }

  async #look(states: () => Promise<readonly ReportedProcess[]>): Promise<EventOf<'snapshot'>> {
    const startedMs = this.#recorder.nowMs()
    const [processes, listed] = await Promise.all([
      states(),
      this.#listAll().catch((error: unknown) => String(error)),
    ])
    const atMs = this.#recorder.nowMs()
    return {
      type: 'snapshot',
      atMs,
      startedMs,
      processes,
      ...(typeof listed === 'string' ? { listed: undefined, failure: listed } : { listed }),
    }
  }

  async #listAll(): Promise<readonly SeenInstance[]> {
    const lists = await Promise.all(services.map((service) => this.#list(service)))
    return lists.flat()
  }

  async #list(service: string): Promise<readonly SeenInstance[]> {
    const instances = await this.#registry.list(service)
    return instances.map(seen)
  }

  async #keepListing(): Promise<void> {
    while (!this.#over) {
      await this.listOnce()
      await delay(listEveryMs)
    }
  }
}
