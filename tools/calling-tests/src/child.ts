import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

const running = new Set<Child>()
process.once('exit', () => {
  for (const child of running) child.kill()
})

/** Another process of a test. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #program: URL
  #stderr = ''

  private constructor(program: URL, options: unknown, flags: readonly string[]) {
    this.#program = program
    this.#process = fork(program, [JSON.stringify(options)], {
      execArgv: ['--conditions=@sd/source', '--no-warnings', ...flags],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    running.add(this)
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString()
    })
    this.#exited = once(this.#process, 'close').then(() => running.delete(this))
  }

  /** Starts a program with the options as JSON. */
  static launch(program: URL, options: unknown): Child {
    return new Child(program, options, [])
  }

  /** Starts a program with the options as JSON, and waits for its first message. */
  static async start(
    program: URL,
    options: unknown,
    flags: readonly string[] = [],
  ): Promise<Child> {
    const child = new Child(program, options, flags)
    await child.message()
    return child
  }

  /** Sends a message, and resolves to the answer. */
  async ask<T>(message: string): Promise<T> {
    const answer = this.message<T>()
    this.#process.send(message)
    return answer
  }

  /** The next message from the process. */
  async message<T>(): Promise<T> {
    const first = await Promise.race([once(this.#process, 'message'), this.#exited])
    if (!Array.isArray(first))
      throw new Error(`${this.#program.pathname} ended: ${this.#stderr.slice(-2_000)}`)
    return first[0] as T
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.#exited
  }
}
