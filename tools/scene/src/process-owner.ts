import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { InstanceInput } from '@sd/core'
import type { Owner } from './owner.ts'

/** One call of an owner's method, as it is sent to its process. */
export interface Order {
  readonly order: number
  readonly method: Exclude<keyof Owner, 'crash'>
  readonly argument?: unknown
}

/** The result of an order. Number 0 reports that the process is ready. */
export interface Answer {
  readonly order: number
  readonly result?: unknown
  readonly error?: string
}

/** An owner in its own process, on the registry that `SD_URL` or the default names. */
export class ProcessOwner implements Owner {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #orders = 0

  constructor() {
    this.#child = fork(new URL('./owner-process.ts', import.meta.url), {
      execArgv: ['--conditions=@sd/source'],
    })
    this.#exited = once(this.#child, 'exit')
    this.#waiting.set(0, () => {})
    this.#child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.order)?.(answer)
      this.#waiting.delete(answer.order)
    })
    this.#child.once('exit', () => {
      for (const [order, tell] of this.#waiting)
        tell({ order, error: 'the owner process has ended' })
      this.#waiting.clear()
    })
  }

  register(instance: InstanceInput): Promise<void> {
    return this.#send('register', instance)
  }

  update(weight: number): Promise<void> {
    return this.#send('update', weight)
  }

  cut(): Promise<void> {
    return this.#send('cut')
  }

  heal(): Promise<void> {
    return this.#send('heal')
  }

  state(): Promise<string> {
    return this.#send('state')
  }

  deregister(): Promise<void> {
    return this.#send('deregister')
  }

  /** A real crash. */
  async crash(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#exited
  }

  #send<T>(method: Order['method'], argument?: unknown): Promise<T> {
    const order = ++this.#orders
    return new Promise((resolve, reject) => {
      this.#waiting.set(order, ({ result, error }) =>
        error === undefined ? resolve(result as T) : reject(new Error(error)),
      )
      if (this.#child.connected) this.#child.send({ order, method, argument } satisfies Order)
      else reject(new Error('the owner process has ended'))
    })
  }
}
