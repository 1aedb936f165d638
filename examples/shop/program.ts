import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const source = '--conditions=@sd/source'
const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// Python's server logs each request
const accessLine = / "(?:GET|HEAD) \S+ HTTP\/[\d.]+" \d+ /

/** A program of the shop, in a process of its own. Its output is that of the shop. */
export class Program {
  /** The service that it is an instance of. */
  readonly name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  private constructor(name: string, args: readonly string[]) {
    this.name = name
    this.#child = spawn(process.execPath, [source, ...args], {
      stdio: ['ignore', 'inherit', 'pipe'],
      // Ctrl-C reaches the shop alone, which stops its programs in order
      detached: true,
    })
    this.#ended = once(this.#child, 'exit')
    if (this.#child.stderr !== null)
      createInterface(this.#child.stderr).on('line', (line) => {
        if (!accessLine.test(line)) process.stderr.write(`${line}\n`)
      })
  }

  /** A program of this folder. */
  static node(name: string, file: string): Program {
    return new Program(name, [fileOf(file)])
  }

  /** The command `sd`. */
  static sd(name: string, args: readonly string[]): Program {
    return new Program(name, [fileOf('../../packages/cli/src/main.ts'), ...args])
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Asks it to leave, and waits until it has ended. */
  async stop(): Promise<void> {
    if (this.running) this.#child.kill('SIGTERM')
    await this.#ended
  }
}
