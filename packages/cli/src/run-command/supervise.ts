import type { InstanceInput, Registration, RegistrationStatus, Registry } from '@sd/registry'
import { exitCode } from '../exit-code.ts'
import type { Interruption } from '../interruption.ts'
import { ChildCommand } from './child-command.ts'
import { type ReadyCheck, waitUntilReady } from './readiness.ts'

/** Of a command that was asked to end, until it is killed. */
const stopGraceMs = 10_000
/** As long a signal waits for the registry to acknowledge that the instance has left. */
const leaveTimeoutMs = 2_000

/** What to run, and as what. */
export interface Supervision {
  readonly registry: Registry
  readonly instance: InstanceInput
  readonly command: readonly [string, ...string[]]
  readonly checks: readonly ReadyCheck[]
  readonly readyTimeoutMs: number
  /** How long the command goes on serving when it has left the registry. */
  readonly drainMs: number
  readonly interruption: Interruption
  /** Whether the terminal itself sends Ctrl-C to the command too. */
  readonly sharesTerminal: boolean
  /** Tells how the registration goes; resolves to its final status. */
  readonly follow: (registration: Registration) => Promise<RegistrationStatus>
  readonly note: (text: string) => void
}

const waitAtMost = (ms: number, ...ends: readonly Promise<unknown>[]): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const timer = setTimeout(resolve, ms)
  void Promise.race(ends).then(resolve, resolve)
  return promise.then(() => clearTimeout(timer))
}

/** A command that is registered while it is ready. */
class Supervisor {
  readonly #supervision: Supervision
  readonly #child: ChildCommand
  /** Aborts when there is nothing left to get ready for. */
  readonly #over = new AbortController()
  #registration: Registration | undefined

  constructor(supervision: Supervision) {
    this.#supervision = supervision
    const [file, ...args] = supervision.command
    this.#child = new ChildCommand(file, args)
    void this.#child.ended.then(() => this.#over.abort())
    let leaving = false
    supervision.interruption.handOver((signal) => {
      // a hang-up tells many services to read their settings again: nothing ends here by itself
      if (signal === 'SIGHUP' || leaving) return this.#child.kill(signal)
      leaving = true
      void this.#leave(signal)
    })
  }

  async run(): Promise<number> {
    const { note, command, checks, readyTimeoutMs, registry, instance, follow } = this.#supervision
    try {
      await waitUntilReady(checks, readyTimeoutMs, this.#over.signal)
    } catch (error) {
      if (!this.#over.signal.aborted) {
        note(
          `sd: ${command[0]} was not ready within ${readyTimeoutMs} ms: ${(error as Error).message}`,
        )
        return this.#giveUp()
      }
    }
    if (!this.#over.signal.aborted) {
      this.#registration = await registry.register(instance, { waitFor: 'accepted' })
      void follow(this.#registration).then(({ state }) =>
        state === 'failed' ? this.#giveUp() : undefined,
      )
    }
    const end = await this.#child.ended
    if (end.problem !== undefined) note(`sd: ${command[0]} cannot be run: ${end.problem}`)
    return this.#registration?.status.state === 'failed' ? exitCode.failed : end.exitCode
  }

  async #giveUp(): Promise<number> {
    await this.#child.stop(stopGraceMs)
    return exitCode.failed
  }

  /** Out of the registry first, so that nobody is sent to a service that is ending. */
  async #leave(signal: NodeJS.Signals): Promise<void> {
    const { drainMs, sharesTerminal, note } = this.#supervision
    const { ended } = this.#child
    this.#over.abort()
    if (this.#registration !== undefined) {
      let answered = false
      const left = this.#registration.deregister().then(() => (answered = true))
      await waitAtMost(leaveTimeoutMs, left, ended)
      if (!answered) note('sd: the registry does not answer; the instance leaves it with its ttl')
      await waitAtMost(drainMs, ended)
    }
    if (!(signal === 'SIGINT' && sharesTerminal)) this.#child.kill(signal)
  }
}

/**
 * Runs a command as a registered service: registered when its checks have passed, deregistered
 * before a signal is forwarded and when it ends. Resolves to what `sd` ends with: its exit code.
 */
export const supervise = (supervision: Supervision): Promise<number> =>
  new Supervisor(supervision).run()
