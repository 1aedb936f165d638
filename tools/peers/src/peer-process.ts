import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { until } from '@sd/test-servers'
import type { PeerInstance } from './peer-instance.ts'

/** How to start a peer. */
export interface PeerOptions {
  /** The peer's name: `go-zero`. */
  readonly peer: string
  /** `host:port` of the server. */
  readonly server: string
  readonly namespace?: string
  readonly ttlSeconds?: number
}

type Answer =
  | { readonly done: string; readonly id: string }
  | { readonly error: string; readonly id?: string }

/** How long a peer may take to answer, or to show what is expected, on a busy machine. */
const answerMs = 30_000

/** A running peer, and what it has printed. */
abstract class PeerProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #closed: Promise<void>
  #stderr = ''

  constructor(command: readonly string[], args: readonly string[]) {
    const [file = '', ...rest] = command
    this.#child = spawn(file, [...rest, ...args])
    this.#closed = once(this.#child, 'close').then(() => this.stopped())
    this.#child.stdin.on('error', () => {}) // it may have ended
    this.#child.stderr.setEncoding('utf8')
    this.#child.stderr.on(
      'data',
      (text: string) => (this.#stderr = (this.#stderr + text).slice(-4_000)),
    )
    createInterface(this.#child.stdout).on('line', (line) => {
      // some libraries print a banner
      if (line.startsWith('{"')) this.printed(line)
    })
  }

  /** Called with each line of JSON. */
  protected abstract printed(line: string): void

  /** Called when the process has ended. */
  protected stopped(): void {}

  /** That it has ended, and the end of what it has written to its error output. */
  protected get end(): Error {
    return new Error(`the peer has ended: ${this.#stderr}`)
  }

  protected get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  protected write(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  /** Ends it with SIGKILL: what it has registered stays until the server lets it expire. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ended) await this.kill()
  }
}

const optionsOf = ({ server, namespace, ttlSeconds }: PeerOptions): readonly string[] => [
  '--server',
  server,
  ...(namespace === undefined ? [] : ['--namespace', namespace]),
  ...(ttlSeconds === undefined ? [] : ['--ttl', String(ttlSeconds)]),
]

/** A peer that registers. Calls resolve when the peer has answered. */
export class PeerRegistrar extends PeerProcess {
  readonly #waiting: PromiseWithResolvers<Answer>[] = []

  constructor(command: readonly string[], options: PeerOptions) {
    super(command, [options.peer, 'register', ...optionsOf(options)])
  }

  /** Registers an instance, or updates it. Rejects with the error that the library reported. */
  register(instance: PeerInstance): Promise<void> {
    return this.#ask('register', instance)
  }

  deregister(instance: PeerInstance): Promise<void> {
    return this.#ask('deregister', instance)
  }

  protected override printed(line: string): void {
    this.#waiting.shift()?.resolve(JSON.parse(line) as Answer)
  }

  protected override stopped(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.end)
  }

  async #ask(verb: string, instance: PeerInstance): Promise<void> {
    if (this.ended) throw this.end
    const waiting = Promise.withResolvers<Answer>()
    this.#waiting.push(waiting)
    const late = new Error(`the peer does not answer ${verb} ${instance.id} within ${answerMs} ms`)
    const timer = setTimeout(() => waiting.reject(late), answerMs)
    this.write(`${verb} ${JSON.stringify(instance)}`)
    try {
      const answer = await waiting.promise
      if ('error' in answer) throw new Error(`${verb} ${instance.id}: ${answer.error}`)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** A peer that watches a service. */
export class PeerWatcher extends PeerProcess {
  /** The errors that its reader has reported, in order. */
  readonly errors: string[] = []
  /** The line of the last view: parsed when it is asked for, as there can be hundreds in a second. */
  #last: string | undefined

  constructor(command: readonly string[], options: PeerOptions & { readonly service: string }) {
    super(command, [options.peer, 'watch', ...optionsOf(options), '--service', options.service])
  }

  /** The last view that the library gave to its user; `undefined` before the first. */
  get view(): readonly PeerInstance[] | undefined {
    if (this.#last === undefined) return undefined
    return (JSON.parse(this.#last) as { readonly instances: readonly PeerInstance[] }).instances
  }

  protected override printed(line: string): void {
    if (line.startsWith('{"instances"')) this.#last = line
    else this.errors.push((JSON.parse(line) as { readonly error: string }).error)
  }

  /** Resolves once `condition` holds of the last view. */
  async sees(
    what: string,
    condition: (view: readonly PeerInstance[]) => boolean,
    deadlineMs: number = answerMs,
  ): Promise<void> {
    const holds = (): boolean => {
      const { view } = this
      return view !== undefined && condition(view)
    }
    await until(what, () => this.ended || holds(), deadlineMs).catch((cause: unknown) => {
      const errors = this.errors.join('; ')
      throw new Error(`${what}; last view ${this.#last}, errors ${errors}`, { cause })
    })
    if (this.ended && !holds()) throw this.end
  }
}
