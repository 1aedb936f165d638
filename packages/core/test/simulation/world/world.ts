import { SeededRandom } from '../clock/seeded-random.ts'
import { VirtualClock } from '../clock/virtual-clock.ts'
import type { Logger } from '../../../src/runtime/diagnostics.ts'
import type { Operation } from '../schedule/operation.ts'
import type { Schedule } from '../schedule/schedule.ts'
import { SimServer } from '../server/sim-server.ts'
import { endingOf, type PendingCall } from './handle.ts'
import { checkDeletions } from './check-deletions.ts'
import { Journal } from './journal.ts'
import { Ledger } from './ledger.ts'
import { SimProcess } from './sim-process.ts'

/** Far more than a run publishes. */
const mostEvents = 2_000

/** Faults after which the outcome of a write, or what followed it, may be unknown. */
const losesAnswers: ReadonlySet<Operation['kind']> = new Set([
  'partition',
  'weather',
  'pause',
  'freeze',
  'restart',
  'wipe',
  'restore',
  'compact',
])

/** Everything that one run consists of. */
export class World {
  readonly schedule: Schedule
  readonly clock: VirtualClock = new VirtualClock()
  readonly journal: Journal
  readonly ledger: Ledger
  readonly server: SimServer
  readonly processes: readonly SimProcess[]
  readonly random: SeededRandom
  /** Places at which a write was ever refused. */
  readonly everDenied: Set<number> = new Set()
  /** How often each diagnostic event was published. */
  readonly events: Map<string, number> = new Map()
  wipes = 0
  restores = 0
  #nextHandle = 1

  constructor(schedule: Schedule, trace: ((line: string) => void) | undefined) {
    const { seed, config } = schedule
    this.schedule = schedule
    this.random = new SeededRandom(seed, 'world')
    this.journal = new Journal(this.clock, trace)
    this.ledger = new Ledger(
      this.journal,
      !schedule.operations.some(({ kind }) => losesAnswers.has(kind)),
    )
    this.server = new SimServer(this.clock, config)
    this.server.onCommit((writes, restored) => {
      if (restored) this.ledger.restored(writes)
      else {
        checkDeletions(this, writes)
        this.ledger.committed(writes)
      }
    })
    this.processes = Array.from(
      { length: config.processes },
      (_, index) =>
        new SimProcess(
          index,
          seed,
          this.clock,
          this.server,
          config,
          this.#logger(index),
          this.journal,
        ),
    )
  }

  nextHandle(): number {
    this.#nextHandle += 1
    return this.#nextHandle - 1
  }

  /** A weight that is unique for each write. */
  nextWeight(): number {
    return this.nextHandle()
  }

  /** Counts the library's diagnostic events. */
  #logger(process: number): Logger {
    const count = (details: object, message: string): void => {
      const event = 'event' in details ? String(details.event) : message
      this.events.set(event, (this.events.get(event) ?? 0) + 1)
      if (event === 'supervisor-failed') this.journal.violation(`p${process}: ${message}`)
      if (this.events.get(event) === mostEvents)
        this.journal.violation(`p${process} published ${event} ${mostEvents} times`)
      this.journal.note(() => `      p${process} ${event}: ${message}`)
    }
    return { debug: count, info: count, warn: count, error: count }
  }

  /**
   * Follows a promise of the library until it settles; `allowed` decides whether its ending is
   * right.
   */
  follow(
    name: string,
    promise: Promise<unknown>,
    allowed: (ending: string) => boolean,
    onResolved: () => void = () => {},
  ): PendingCall {
    const call: PendingCall = { name, allowed, ending: undefined }
    const end = (ending: string): void => {
      call.ending = ending
      this.journal.note(() => `  ${name}: ${ending}`)
      if (!allowed(ending)) this.journal.violation(`${name} ended with ${ending}`)
    }
    const settled = async (): Promise<void> => {
      try {
        await promise
      } catch (error) {
        end(endingOf(error))
        return
      }
      end('resolved')
      onResolved()
    }
    void settled()
    return call
  }
}
