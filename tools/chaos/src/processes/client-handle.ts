import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Link, ReportedProcess, TimelineEvent } from '../timeline/timeline-event.ts'
import type { ClientOptions, Message, Order } from './messages.ts'

const script = fileURLToPath(new URL('client-process.ts', import.meta.url))

/** How much of its standard error is kept, in characters. */
const keptStderr = 4_000

/** A client process, as the run controls it. */
export class ClientHandle {
  readonly name: string
  readonly link: Link
  /** Resolves when it has ended and all of its output was read. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #states = new Map<number, (state: Omit<ReportedProcess, 'process'>) => void>()
  #asked = 0
  #paused = false
  #over = false

  /** Starts it. `record` receives its events, and when it has ended, how. */
  constructor(
    options: ClientOptions,
    link: Link,
    record: (event: TimelineEvent) => void,
    recordEnd: (how: string, stderr: string) => void,
  ) {
    this.name = options.process
    this.link = link
    const child = spawn(
      process.execPath,
      [
        '--conditions=@sd/source',
        '--disable-warning=ExperimentalWarning',
        script,
        JSON.stringify(options),
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    )
    this.#child = child
    const endWithUs = (): void => void child.kill('SIGKILL')
    process.once('exit', endWithUs)
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString()}`.slice(-keptStderr)
    })
    child.stdin.on('error', () => {}) // it has ended: 'close' follows
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as Message
      if ('event' in message) record(message.event)
      else this.#answered(message.number, message.state)
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    child.once('close', (code, signal) => {
      process.removeListener('exit', endWithUs)
      this.#over = true
      recordEnd(signal ?? `exit ${code}`, stderr)
      resolve()
    })
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over
  }

  /** Sends an order; one to a process that has ended is dropped. */
  send(order: Order): void {
    if (!this.#over) this.#child.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  /** What it sees; undefined when it does not answer within `deadlineMs`. */
  async state(deadlineMs: number): Promise<ReportedProcess | undefined> {
    const number = ++this.#asked
    const { promise, resolve } = Promise.withResolvers<ReportedProcess | undefined>()
    this.#states.set(number, (state) => resolve({ process: this.name, ...state }))
    const timer = setTimeout(() => resolve(undefined), deadlineMs)
    this.send({ order: 'state', number })
    const state = await promise
    clearTimeout(timer)
    this.#states.delete(number)
    return state
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  pause(): void {
    this.#paused = true
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#child.kill('SIGCONT')
  }

  #answered(number: number, state: Omit<ReportedProcess, 'process'>): void {
    this.#states.get(number)?.(state)
  }
}
