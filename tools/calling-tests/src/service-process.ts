import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A service as a process that reports its life in lines on stdout. */
export class ServiceProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  readonly #closed: Promise<number | null>
  #onLine: (() => void) | undefined
  /** What it has printed. */
  readonly lines: string[] = []

  private constructor(program: URL, args: readonly string[]) {
    this.#child = spawn(
      process.execPath,
      ['--conditions=@sd/source', '--no-warnings', program.pathname, ...args],
      { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
    )
    this.#ended = once(this.#child, 'close').then(([code]) => code as number | null)
    if (this.#child.stdout === null) throw new Error('no stdout')
    createInterface(this.#child.stdout).on('line', (line) => {
      this.lines.push(line)
      this.#onLine?.()
    })
    this.#closed = this.#ended.then((code) => {
      this.#onLine?.()
      return code
    })
  }

  static start(program: URL, ...args: readonly string[]): ServiceProcess {
    return new ServiceProcess(program, args)
  }

  /** The first line that matches, printed before or after the call. Throws if the process ends. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.lines.find((printed) => pattern.test(printed))
      if (line !== undefined) return line
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the process ended without ${pattern}: ${this.lines.join(', ')}`)
      await new Promise<void>((resolve) => (this.#onLine = resolve))
    }
  }

  /** The lines printed from the given one on. */
  since(line: string): readonly string[] {
    return this.lines.slice(this.lines.indexOf(line))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Sends a message over IPC. */
  send(message: string): void {
    this.#child.send(message)
  }

  /** The exit code, once the process has ended; `null` if a signal ended it. */
  get exitCode(): Promise<number | null> {
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }
}
