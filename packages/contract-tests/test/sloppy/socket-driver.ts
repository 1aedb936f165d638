import {
  type Contents,
  Channel,
  type DriverFactory,
  type DriverSession,
  type Observation,
  type RecordKey,
  type RegistryDriver,
  RegistryError,
  type RegistryErrorCode,
} from '@sd/core/driver'
import { connect, type Socket } from 'node:net'
import { eachLine } from './each-line.ts'
import type { SocketAnswer, SocketCall } from './socket-server.ts'

/** The purpose of a call; each purpose has its own connection unless the options say otherwise. */
export type Purpose = 'reads' | 'writes' | 'beats' | 'watches'

/** How a {@link socketDriver} connects, and its faults. */
export interface SocketDriverOptions {
  readonly endpoint: string
  readonly namespace: string
  readonly password?: string
  /** The purpose whose connection the calls of another purpose use. */
  readonly over?: Partial<Record<Purpose | 'probes', Purpose>>
  /** A connection stays in use after a call on it timed out. */
  readonly keepsAfterTimeout?: boolean
  /** It connects when it is created. */
  readonly connectsEarly?: boolean
  /** The client's own error, with all its properties, becomes the cause. */
  readonly clientErrorAsCause?: boolean
  /** An observation whose connection broke continues silently, with later changes only. */
  readonly mendsSilently?: boolean
  /** A probe ends the connection of the watches, and connects again. */
  readonly probesAnew?: boolean
  /** A probe that is given up ends the connection, also while a watch is being attached. */
  readonly probesAttaching?: boolean
}

/** One connection, and its pending calls. */
class Line {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (answer: SocketAnswer) => void>()
  /** Observations that nothing was received for yet. */
  readonly attaching: Set<number> = new Set()
  broken = false

  constructor(endpoint: string) {
    const [host = '', port = ''] = endpoint.split(':')
    this.#socket = connect({ host, port: Number(port), noDelay: true })
    this.#socket.on('error', () => this.end('unavailable', 'the connection broke'))
    this.#socket.on('close', () => this.end('unavailable', 'the connection broke'))
    eachLine(this.#socket, (text) => {
      const answer = JSON.parse(text) as SocketAnswer
      this.attaching.delete(answer.call)
      this.#waiting.get(answer.call)?.(answer)
    })
  }

  /** Sends a call; `heard` is called with each answer until `forget`. */
  send(call: SocketCall, heard: (answer: SocketAnswer) => void): void {
    this.#waiting.set(call.call, heard)
    if (call.ask === 'observe') this.attaching.add(call.call)
    this.#socket.write(`${JSON.stringify(call)}\n`)
  }

  forget(call: number): void {
    this.#waiting.delete(call)
    this.attaching.delete(call)
  }

  /** Ends the connection, and its pending calls. */
  end(code: string, message: string): void {
    this.broken = true
    this.#socket.destroy()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const [call, heard] of waiting) heard({ call, error: { code, message } })
  }
}

type Ask = Omit<SocketCall, 'call' | 'namespace' | 'password'>

/** Connections that are opened on first use, and dropped after a call timed out. */
class Lines {
  readonly #options: SocketDriverOptions
  readonly #lines = new Map<Purpose, Line>()
  #calls = 0
  #closed = false

  constructor(options: SocketDriverOptions) {
    this.#options = options
    if (options.connectsEarly === true) this.#line('reads')
  }

  call<T>(purpose: Purpose | 'probes', ask: Ask, signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const stop = this.start(purpose, ask, signal, (answer) => {
        stop()
        if (answer instanceof Error) reject(answer)
        else resolve(answer as T)
      })
    })
  }

  /**
   * Sends a call, and delivers every answer, or the failure, until the returned function is called.
   */
  start(
    purpose: Purpose | 'probes',
    ask: Ask,
    signal: AbortSignal,
    heard: (answer: unknown) => void,
  ): () => void {
    let stop = (): void => {}
    const later = (error: Error): (() => void) => {
      queueMicrotask(() => heard(error))
      return () => {}
    }
    if (signal.aborted) return later(signal.reason as Error)
    if (this.#closed) return later(this.#error('closed', ask, 'the driver is disposed'))
    const { over = {}, namespace, password, probesAnew, probesAttaching } = this.#options
    const lane = over[purpose] ?? (purpose === 'probes' ? 'watches' : purpose)
    if (ask.ask === 'probe' && probesAnew === true)
      this.#lines.get(lane)?.end('unavailable', 'a probe connects again')
    const line = this.#line(lane)
    const call = ++this.#calls
    const abort = (): void => {
      stop()
      // the other calls of a connection that hangs may never be answered; calls of the same signal
      // reject with its reason first
      const attaching = ask.ask === 'probe' && line.attaching.size > 0 && probesAttaching !== true
      if (ask.ask !== 'observe' && !attaching && this.#options.keepsAfterTimeout !== true)
        queueMicrotask(() => line.end('unavailable', 'a call timed out'))
      heard(signal.reason)
    }
    stop = () => {
      line.forget(call)
      signal.removeEventListener('abort', abort)
    }
    signal.addEventListener('abort', abort)
    line.send({ ...ask, call, namespace, password }, ({ value, error }) => {
      heard(error === undefined ? value : this.#error(error.code, ask, error.message))
    })
    return () => stop()
  }

  close(): void {
    this.#closed = true
    for (const line of this.#lines.values()) line.end('closed', 'the driver is disposed')
  }

  #line(lane: Purpose): Line {
    const known = this.#lines.get(lane)
    if (known !== undefined && !known.broken) return known
    const line = new Line(this.#options.endpoint)
    this.#lines.set(lane, line)
    return line
  }

  #error(code: string, { ask }: Ask, message: string): RegistryError {
    const { clientErrorAsCause, endpoint, password } = this.#options
    const cause = Object.assign(new Error(message), { config: { endpoint, password } })
    return new RegistryError(code as RegistryErrorCode, {
      backend: 'memory',
      operation: ask,
      message,
      ...(clientErrorAsCause === true ? { cause } : {}),
    })
  }
}

class SocketSession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #lines: Lines
  readonly #lost = new AbortController()

  constructor(lines: Lines, opened: Pick<DriverSession, 'id' | 'grantedTtlMs'>) {
    this.#lines = lines
    this.id = opened.id
    this.grantedTtlMs = opened.grantedTtlMs
  }
  get lost(): AbortSignal {
    return this.#lost.signal
  }
  renew(signal: AbortSignal): Promise<void> {
    return this.#call('beats', { ask: 'renew' }, signal)
  }
  put(...[requests, signal]: Parameters<DriverSession['put']>): ReturnType<DriverSession['put']> {
    return this.#call('writes', { ask: 'put', requests }, signal)
  }
  remove(
    ...[refs, signal]: Parameters<DriverSession['remove']>
  ): ReturnType<DriverSession['remove']> {
    return this.#call('writes', { ask: 'remove', refs }, signal)
  }
  audit(...[refs, signal]: Parameters<DriverSession['audit']>): ReturnType<DriverSession['audit']> {
    return this.#call('reads', { ask: 'audit', refs }, signal)
  }
  removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    return this.#call('writes', { ask: 'removeStrays' }, signal)
  }
  close(signal: AbortSignal): Promise<void> {
    return this.#call('writes', { ask: 'close' }, signal)
  }

  async #call<T>(purpose: Purpose, ask: Ask, signal: AbortSignal): Promise<T> {
    try {
      return await this.#lines.call<T>(purpose, { ...ask, sessionId: this.id }, signal)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'session-lost') this.#lost.abort(error)
      throw error
    }
  }
}

/** A driver over a socket, correct except for the faults of its options. */
export const socketDriver =
  (options: SocketDriverOptions): DriverFactory =>
  () => {
    const lines = new Lines(options)
    const observe: RegistryDriver['observe'] = (scope, cursor, signal) => {
      let stop = (): void => {}
      const channel = new Channel<Observation>(() => stop())
      const attach = (from: string | undefined, skipFirst: boolean): void => {
        let skip = skipFirst
        stop = lines.start('watches', { ask: 'observe', scope, cursor: from }, signal, (answer) => {
          if (!(answer instanceof Error)) {
            if (!skip) channel.push(answer as Observation)
            skip = false
            return
          }
          stop()
          const broke = answer instanceof RegistryError && answer.code === 'unavailable'
          if (broke && options.mendsSilently === true) setTimeout(() => attach(undefined, true), 20)
          else channel.fail(answer)
        })
      }
      attach(cursor, false)
      return channel
    }
    return {
      backend: 'memory',
      capabilities: {
        list: 'linearizable',
        atomicClaim: true,
        resume: true,
        deltas: true,
        tls: false,
        minTtlMs: 1,
        maxBatch: 128,
        maxRecordBytes: 1_000_000,
      },
      openSession: async ({ ttlMs }, signal) =>
        new SocketSession(lines, await lines.call('writes', { ask: 'openSession', ttlMs }, signal)),
      list: (scope, signal) => lines.call<Contents>('reads', { ask: 'list', scope }, signal),
      observe,
      probe: (signal) => lines.call('probes', { ask: 'probe' }, signal),
      [Symbol.asyncDispose]: async () => lines.close(),
    }
  }
