import { spawn } from 'node:child_process'
import { exitCodeOfSignal } from '../exit-code.ts'

/** The end of a command. */
export interface CommandEnd {
  /** As in a shell: 128 + n for a signal, 127 not found, 126 not executable. */
  readonly exitCode: number
  /** Why it could not be started. */
  readonly problem?: string
}

const startCodes: Readonly<Record<string, number>> = { ENOENT: 127, EACCES: 126 }

/** The user's command, which inherits the streams and environment of `sd`. */
export class ChildCommand {
  readonly #child: ReturnType<typeof spawn>
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<CommandEnd>

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: 'inherit' })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        // later errors are failures to send a signal
        if (this.#child.pid === undefined)
          resolve({ exitCode: startCodes[error.code ?? ''] ?? 1, problem: error.message })
      })
      this.#child.once('exit', (code, signal) => {
        resolve({ exitCode: signal === null ? (code ?? 1) : exitCodeOfSignal(signal) })
      })
    })
  }

  /** Sends it a signal. Does nothing after it has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Asks it to end, and kills it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    await this.ended
    clearTimeout(timer)
  }
}
