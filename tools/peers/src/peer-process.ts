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

type Line =
  | { readonly done: string; readonly id: string }
  | { readonly error: string; readonly id?: string }
  | { readonly instances: readonly PeerInstance[] }

/** A running peer, and what it has printed. */
class PeerProcess implements AsyncDisposable {
  /** The errors that it has printed as lines, in order. */
  readonly errors: string[] = []
  readonly #child: ChildProcessWithoutNullStreams
  readonly #exited: Promise<unknown>
  #stderr = ''

  constructor(command: readonly string[], args: readonly string[], told: (line: Line) => void) {
    const [file = '', ...rest] = command
    this.#child = spawn(file, [...rest, ...args])
    this.#exited = once(this.#child, 'exit')
    this.#child.stdin.on('error', () => {}) // it may have ended
    this.#child.stderr.setEncoding('utf8')
    this.#child.stderr.on(
      'data',
      (text: string) => (this.#stderr = (this.#stderr + text).slice(-4_000)),
    )
    createInterface(this.#child.stdout).on('line', (text) => {
      // some libraries print a banner
      if (!text.startsWith('{"')) return
      const line = JSON.parse(text) as Line
      if ('error' in line) this.errors.push(line.error)
      told(line)
    })
  }

  /** The end of what it has written to its error output. */
  get log(): string {
    return this.#stderr
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
    await this.#exited
  }

  /** Ends it with SIGTERM: a registrar deregisters what it has registered. */
  async terminate(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
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
  readonly #answers: Line[]
  #asked = 0

  constructor(command: readonly string[], options: PeerOptions) {
    const answers: Line[] = []
    super(command, [options.peer, 'register', ...optionsOf(options)], (line) => answers.push(line))
    this.#answers = answers
  }

  /** Registers an instance, or updates it. Rejects with the error that the library reported. */
  register(instance: PeerInstance): Promise<void> {
    return this.#ask('register', instance)
  }

  deregister(instance: PeerInstance): Promise<void> {
    return this.#ask('deregister', instance)
  }

  async #ask(verb: string, instance: PeerInstance): Promise<void> {
    const place = this.#asked++
    this.write(`${verb} ${JSON.stringify(instance)}`)
    await until(`the peer answers ${verb} ${instance.id}`, () => {
      if (this.ended && place >= this.#answers.length) return true
      return place < this.#answers.length
    })
    const answer = this.#answers[place]
    if (answer === undefined) throw new Error(`the peer has ended: ${this.log}`)
    if ('error' in answer) throw new Error(`${verb} ${instance.id}: ${answer.error}`)
  }
}

/** A peer that watches a service. */
export class PeerWatcher extends PeerProcess {
  readonly #views: (readonly PeerInstance[])[]

  constructor(command: readonly string[], options: PeerOptions & { readonly service: string }) {
    const views: (readonly PeerInstance[])[] = []
    const args = [options.peer, 'watch', ...optionsOf(options), '--service', options.service]
    super(command, args, (line) => {
      if ('instances' in line) views.push(line.instances)
    })
    this.#views = views
  }

  /** The last view that the library gave to its user; `undefined` before the first. */
  get view(): readonly PeerInstance[] | undefined {
    return this.#views.at(-1)
  }

  /** Resolves once `condition` holds of the last view. */
  async sees(
    what: string,
    condition: (view: readonly PeerInstance[]) => boolean,
    deadlineMs = 30_000,
  ): Promise<void> {
    await until(
      what,
      () => {
        if (this.ended) throw new Error(`the peer has ended: ${this.log}`)
        return this.view !== undefined && condition(this.view)
      },
      deadlineMs,
    ).catch((error: unknown) => {
      const last = JSON.stringify(this.view)
      throw new Error(`${what}; last view ${last}, errors ${this.errors.join('; ')}`, {
        cause: error,
      })
    })
  }
}
