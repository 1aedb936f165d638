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

/** How often the run lists every service, and writes. */
const everyMs = 700
/** How often a quiet time is looked at. */
const lookEveryMs = 250

/** Lists the backend past both links, all the time, and waits for quiet times to settle. */
export class Observer implements AsyncDisposable {
  readonly #registry: Registry
  readonly #writer: Registry
  readonly #recorder: Recorder
  readonly #bounds: Bounds
  readonly #ended: Promise<unknown>
  #over = false

  private constructor(registry: Registry, writer: Registry, recorder: Recorder, bounds: Bounds) {
    this.#registry = registry
    this.#writer = writer
    this.#recorder = recorder
    this.#bounds = bounds
    this.#ended = Promise.all([this.#keepListing(), this.#keepWriting()])
  }

  static async open(
    backend: ChaosBackend,
    namespace: string,
    recorder: Recorder,
    bounds: Bounds,
  ): Promise<Observer> {
    const { ttlMs, callTimeoutMs, closeTimeoutMs } = bounds
    const open = async (own: string): Promise<Registry> =>
      new Registry(await makeFactory(backend.place('direct', own)), {
        ttlMs,
        callTimeoutMs,
        closeTimeoutMs,
      })
    return new Observer(await open(namespace), await open(`${namespace}-own`), recorder, bounds)
  }

  /**
   * Waits until all is as the guarantees promise it, at most for the bound, and records the last
   * snapshot. `states` asks every process.
   */
  async settle(states: () => Promise<readonly ReportedProcess[]>): Promise<void> {
    const { settledMs, restoredMs, slackMs } = this.#bounds
    const beganMs = this.#recorder.nowMs()
    for (;;) {
      const snapshot = await this.#look(states)
      const timeline = this.#recorder.events.toSorted((one, other) => one.atMs - other.atMs)
      const model = new Model(timeline, this.#bounds)
      const { atMs } = snapshot
      // a backend that the machine is too busy for is given its time once more, but not for ever
      const slowMs = model.serverOutages.at(-1)?.endedMs ?? 0
      const answeredMs = Math.min(Math.max(beganMs, slowMs) + settledMs, beganMs + 3 * settledMs)
      const restored = model.disturbances.findLast(({ what }) => what === 'restore')
      const deadlineMs = Math.max(answeredMs, (restored?.endedMs ?? 0) + restoredMs + slackMs)
      if (differencesIn(model, snapshot).length === 0 || atMs > deadlineMs) {
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
    // what still hangs ends with its registry
    await Promise.all([this.#registry.close(), this.#writer.close()])
    await this.#ended
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
      await delay(everyMs)
    }
  }

  async #keepWriting(): Promise<void> {
    try {
      const instance = { service: 'own', id: 'own', endpoints: ['http://10.0.0.7:8080'] }
      const registration = await this.#writer.register(instance)
      for (let weight = 0; !this.#over; weight = (weight + 1) % 1_000) {
        const startedMs = this.#recorder.nowMs()
        await registration.update({ weight })
        this.#recorder.note({ type: 'wrote', startedMs })
        await delay(everyMs)
      }
    } catch (error) {
      if (!this.#over) throw error
    }
  }
}
