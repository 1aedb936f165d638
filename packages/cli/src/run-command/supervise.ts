import { exitCode } from '../exit-code.ts'
import type { Interruption } from '../interruption.ts'
import { ChildCommand } from './child-command.ts'
import type { Holding } from './holding.ts'
import { type ReadyCheck, waitUntilReady } from './readiness.ts'

/** How long a stopping command may take before it is killed. */
const stopGraceMs = 10_000
/** The maximum wait for the deregistration before a signal is forwarded. */
const leaveTimeoutMs = 2_000

/** How long to wait for readiness before a message. */
const patienceMs = 1_000

/** The command to run, and the instance to register. */
export interface Supervision {
  readonly holding: Holding
  readonly command: readonly [string, ...string[]]
  readonly checks: readonly ReadyCheck[]
  readonly readyTimeoutMs: number
  /** How long the command keeps serving after it is deregistered. */
  readonly drainMs: number
  readonly interruption: Interruption
  /** Whether the terminal also sends Ctrl-C to the command. */
  readonly sharesTerminal: boolean
  readonly note: (text: string) => void
}

const waitAtMost = (ms: number, ...ends: readonly Promise<unknown>[]): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const timer = setTimeout(resolve, ms)
  void Promise.race(ends).then(resolve, resolve)
  return promise.then(() => clearTimeout(timer))
}

/** Runs a command, and registers it once it is ready. */
class Supervisor {
  readonly #supervision: Supervision
  readonly #child: ChildCommand
  /** Aborts when readiness no longer matters. */
  readonly #over = new AbortController()
  /** Whether the instance is to be registered. */
  #held = false
  /** Whether the registry has refused it. */
  #refused = false

  constructor(supervision: Supervision) {
    this.#supervision = supervision
    const [file, ...args] = supervision.command
    this.#child = new ChildCommand(file, args)
    void this.#child.ended.then(() => this.#over.abort())
    let leaving = false
    supervision.interruption.handOver((signal) => {
      // many services reload their settings on SIGHUP, so it does not deregister
      if (signal === 'SIGHUP' || leaving) return this.#child.kill(signal)
      leaving = true
      void this.#leave(signal)
    })
  }

  async run(): Promise<number> {
    const { note, command, checks, readyTimeoutMs, holding } = this.#supervision
    const awaited = checks.map(({ what }) => what).join(', ')
    const patience = setTimeout(() => note(`sd: waiting for ${awaited}`), patienceMs)
    try {
      await waitUntilReady(checks, readyTimeoutMs, this.#over.signal)
    } catch (error) {
      if (!this.#over.signal.aborted) {
        note(
          `sd: ${command[0]} was not ready within ${readyTimeoutMs} ms: ${(error as Error).message}`,
        )
        return this.#giveUp()
      }
    } finally {
      clearTimeout(patience)
    }
    if (!this.#over.signal.aborted) {
      this.#held = true
      void holding.hold().then(({ state }) => {
        this.#refused = state === 'failed'
        return this.#refused ? this.#giveUp() : undefined
      })
    }
    const end = await this.#child.ended
    if (end.problem !== undefined) note(`sd: ${command[0]} cannot be run: ${end.problem}`)
    return this.#refused ? exitCode.failed : end.exitCode
  }

  async #giveUp(): Promise<number> {
    await this.#child.stop(stopGraceMs)
    return exitCode.failed
  }

  /** Deregisters first, so that callers do not reach a service that is ending. */
  async #leave(signal: NodeJS.Signals): Promise<void> {
    const { drainMs, holding, sharesTerminal, note } = this.#supervision
    const { ended } = this.#child
    this.#over.abort()
    if (this.#held) {
      let answered = false
      const left = holding.leave().then(() => (answered = true))
      await waitAtMost(leaveTimeoutMs, left, ended)
      if (!answered) note('sd: the registry does not answer; the instance expires with its ttl')
      await waitAtMost(drainMs, ended)
    }
    if (!(signal === 'SIGINT' && sharesTerminal)) this.#child.kill(signal)
  }
}

/**
 * Runs a command as a registered service: registers it when its checks have passed, deregisters it
 * before a signal is forwarded and when the command ends. Resolves to the exit code of `sd`.
 */
export const supervise = (supervision: Supervision): Promise<number> =>
  new Supervisor(supervision).run()
