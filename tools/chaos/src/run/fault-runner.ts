import { setTimeout as delay } from 'node:timers/promises'
import type { Backup } from '@sd/contract-tests/world'
import type { ChaosBackend } from '../backends/chaos-backend.ts'
import type { Fault } from '../schedule/round.ts'
import { type Link, links } from '../timeline/timeline-event.ts'
import type { Fleet } from './fleet.ts'
import type { Recorder } from './recorder.ts'

/** Faults that need the server's help, which may have none to give. */
const mayFail: ReadonlySet<string> = new Set(['expire-session', 'compact', 'kill-leader'])

/** Lets faults begin and end, one at a time at the server and on each link, and records them. */
export class FaultRunner {
  readonly #backend: ChaosBackend
  readonly #recorder: Recorder
  readonly #fleet: Fleet
  /** What has a fault at present. */
  readonly #busy = new Map<Link | 'server', Promise<void>>()
  #numbers = 0
  #backup: Backup | undefined
  #failure: unknown

  constructor(backend: ChaosBackend, recorder: Recorder, fleet: Fleet) {
    this.#backend = backend
    this.#recorder = recorder
    this.#fleet = fleet
  }

  /** Begins a fault, unless another one lasts at the same place. */
  begin(fault: Fault): void {
    const where = 'link' in fault ? fault.link : 'server'
    if (this.#busy.has(where)) return
    const running = this.#run(fault)
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => this.#busy.delete(where))
    this.#busy.set(where, running)
  }

  /** Waits until all faults have ended; throws if one could not be caused or ended. */
  async settle(): Promise<void> {
    await Promise.all(this.#busy.values())
    if (this.#failure !== undefined) throw this.#failure
  }

  async #run(fault: Fault): Promise<void> {
    const { server } = this.#backend
    switch (fault.kind) {
      case 'kill-server':
      case 'stop-server':
        return this.#during(fault, async () => {
          await server.stop(fault.kind === 'kill-server' ? 'kill' : 'term')
          await delay(fault.forMs)
          await server.start()
        })
      case 'wipe':
        return this.#during(fault, async () => {
          await server.stop('kill')
          await server.wipe()
          await delay(fault.forMs)
          await server.start()
        })
      case 'freeze':
        return this.#during(fault, async () => {
          await server.pause()
          await delay(fault.forMs)
          await server.resume()
        })
      case 'backup':
        return this.#backUp()
      case 'restore':
        return this.#restore()
      case 'compact':
        return this.#during(fault, async () => this.#backend.compact?.())
      case 'expire-session': {
        const session = await this.#fleet.session(fault.place)
        if (session === undefined) return undefined
        return this.#during(
          fault,
          () => this.#backend.expireSession(session.sessionId),
          session.process,
        )
      }
      case 'reset':
        return this.#during(fault, () => this.#backend.disturb(fault))
      case 'partition':
      case 'one-way':
      case 'slow':
      case 'stall':
      case 'flaky':
      case 'hang-writes':
        return this.#during(fault, async () => {
          await this.#backend.disturb(fault)
          await delay(fault.forMs)
          await this.#backend.heal(fault.link)
        })
      case 'kill-leader':
        return this.#during(fault, async () => {
          const leader = await this.#backend.leader?.()
          await leader?.stop('kill')
          await delay(fault.forMs)
          await leader?.start()
        })
      case 'freeze-member':
        return this.#during(fault, async () => {
          const { members } = this.#backend
          const member = members[fault.which % members.length]
          await member?.pause()
          await delay(fault.forMs)
          await member?.resume()
        })
    }
  }

  async #backUp(): Promise<void> {
    await this.#during({ kind: 'backup' }, async () => {
      this.#backup = await this.#backend.backUp?.()
    })
  }

  /** Restores the last backup; without one it makes one. */
  async #restore(): Promise<void> {
    const backup = this.#backup
    if (backup === undefined) return this.#backUp()
    this.#backup = undefined
    return this.#during({ kind: 'restore' }, () => backup.restore())
  }

  async #during(fault: Fault, work: () => Promise<void>, process?: string): Promise<void> {
    const number = ++this.#numbers
    const { kind, ...details } = fault
    this.#recorder.note({
      type: 'fault-began',
      fault: kind,
      number,
      links: 'link' in fault ? [fault.link] : links,
      ...(process === undefined ? {} : { process }),
      detail: Object.entries(details)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    })
    try {
      await work()
      this.#recorder.note({ type: 'fault-ended', number })
    } catch (error) {
      // its session has ended already, there is nothing to compact, or an election is going on
      if (!mayFail.has(kind)) throw error
      this.#recorder.note({ type: 'fault-ended', number, failure: String(error) })
    }
  }
}
