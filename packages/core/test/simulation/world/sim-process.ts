import type { Logger } from '../../../src/runtime/diagnostics.ts'
import { Registry } from '../../../src/registry.ts'
import { ProcessClock } from '../clock/process-clock.ts'
import { SeededRandom } from '../clock/seeded-random.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { SimDriver } from '../driver/sim-driver.ts'
import { CallBudget } from '../network/call-budget.ts'
import { SimLink } from '../network/sim-link.ts'
import type { Place, WatchScope } from '../schedule/operation.ts'
import type { SimulationConfig } from '../schedule/schedule.ts'
import type { SimServer } from '../server/sim-server.ts'
import type { Handle, PendingCall } from './handle.ts'
import type { Journal } from './journal.ts'
import type { ReaderModel } from './reader-model.ts'

/** A reader with the scope that it follows. */
export interface OpenReader {
  readonly scope: WatchScope
  readonly reader: ReaderModel
}

/** One process of the simulation: a real `Registry` on its own clock, randomness and connection. */
export class SimProcess {
  readonly name: string
  readonly clock: ProcessClock
  readonly link: SimLink
  readonly registry: Registry
  readonly handles: Handle[] = []
  readonly readers: OpenReader[] = []
  readonly calls: PendingCall[] = []
  /** Killed: no code of it runs any more. */
  crashed = false
  /** The user closed it. */
  closed = false

  constructor(
    index: number,
    seed: number,
    clock: VirtualClock,
    server: SimServer,
    config: SimulationConfig,
    logger: Logger,
    journal: Journal,
  ) {
    this.name = `p${index}`
    this.clock = new ProcessClock(clock, config.clockSteps ? index + 1 : 0)
    const network = new SeededRandom(seed, `network ${index}`)
    const budget = new CallBudget(clock, (text) => journal.violation(`${this.name} ${text}`))
    this.link = new SimLink(clock, this.clock, server, network, budget)
    const { ttlMs, capMs, callTimeoutMs, closeTimeoutMs } = config
    this.registry = new Registry(new SimDriver(this.name, clock, this.link, config.driver), {
      ttlMs,
      callTimeoutMs,
      closeTimeoutMs,
      backoff: { minMs: 20, maxMs: capMs },
      clock: this.clock,
      logger,
      random: this.#named(new SeededRandom(seed, `process ${index}`)),
    })
  }

  get alive(): boolean {
    return !this.crashed && !this.closed
  }

  /** The user's last registration at that place. */
  handleAt(place: Place): Handle | undefined {
    return this.handles.findLast((handle) => handle.place === place)
  }

  /** SIGKILL: the process sends nothing any more. */
  crash(): void {
    this.crashed = true
    this.clock.pause()
    this.link.partition('refused')
  }

  /** The first id that a registry draws is its owner id: a readable one for traces. */
  #named(random: SeededRandom): SeededRandom {
    const draw = random.id.bind(random)
    random.id = (length) => {
      random.id = draw
      return `owner-${this.name}-${draw(length)}`
    }
    return random
  }
}
