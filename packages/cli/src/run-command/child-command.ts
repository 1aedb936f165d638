import { spawn } from 'node:child_process'
import { exitCodeOfSignal } from '../exit-code.ts'

/** How a command ended. */
export interface CommandEnd {
  /** The one that a shell would give: 128 + n for a signal, 127 not found, 126 not executable. */
  readonly exitCode: number
  /** Why it could not be started. */
  readonly problem?: string
}

const startCodes: Readonly<Record<string, number>> = { ENOENT: 127, EACCES: 126 }

/** A command of the user's that runs with our own streams and environment. */
export class ChildCommand {
  readonly #child: ReturnType<typeof spawn>
  /** Resolves when it is over; never rejects. */
  readonly ended: Promise<CommandEnd>

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: 'inherit' })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        // later ones are failures to signal it
        if (this.#child.pid === undefined)
          resolve({ exitCode: startCodes[error.code ?? ''] ?? 1, problem: error.message })
      })
      this.#child.once('exit', (code, signal) => {
        resolve({ exitCode: signal === null ? (code ?? 1) : exitCodeOfSignal(signal) })
      })
    })
  }

  /** Sends it a signal; nothing happens once it is over. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Asks it to end, and ends it when it does not within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    await this.ended
    clearTimeout(timer)
  }
}
