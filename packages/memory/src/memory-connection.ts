import { abortable, type Clock, type RegistryErrorCode, type Timer } from '@sd/core/driver'
import { memoryError } from './errors.ts'
import type { Client, MemoryOperation, MemoryServer, Reply, Request } from './memory-server.ts'

// captured when this module loads, because test runners fake the global one
const { queueMicrotask } = globalThis

/** The connection's view of an attached observation. */
export interface Stream {
  fail(code: RegistryErrorCode, message: string): void
  /** Sends the reader `alive` with the present cursor. */
  sendAlive(): void
}

/**
 * One driver's connection. It keeps the order in both directions, delays all messages while the
 * network is cut, and breaks when its server process has ended.
 */
export class MemoryConnection implements Client {
  readonly #server: MemoryServer
  readonly #clock: Clock
  readonly #owners: readonly object[]
  readonly #streams = new Set<Stream>()
  readonly #pending = new Set<(code: RegistryErrorCode, message: string) => void>()
  #outgoing: Request[] = []
  #incoming: { readonly dueMs: number; readonly deliver: () => void }[] = []
  #timer: Timer | undefined
  /** The server process it is connected to; `undefined` before the first call. */
  #incarnation: number | undefined
  #closed = false

  /** `owners` are the objects by which a test may identify this client. */
  constructor(server: MemoryServer, clock: Clock, owners: readonly object[]) {
    this.#server = server
    this.#clock = clock
    this.#owners = owners
  }

  belongsTo(owner: object): boolean {
    return this.#owners.includes(owner)
  }

  /**
   * Runs `execute` on the server. Aborting ends only the wait: the sent request still arrives when
   * the server resumes or the network heals, as on a real network.
   */
  call<T>(operation: MemoryOperation, signal: AbortSignal, execute: () => T): Promise<T> {
    if (this.#closed)
      return Promise.reject(memoryError('closed', operation, 'the driver is disposed'))
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    this.#server.connect(this)
    const incarnation = (this.#incarnation ??= this.#server.incarnation)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const fail = (code: RegistryErrorCode, message: string): void =>
      reject(memoryError(code, operation, message))
    this.#pending.add(fail)
    const reply = (answer: Reply): void =>
      this.send(() => {
        this.#pending.delete(fail)
        if ('error' in answer) reject(answer.error)
        else resolve(answer.value as T)
      })
    const request = { operation, clock: this.#clock, incarnation, execute, reply }
    // a server never answers within its caller's stack, and a write never runs inside another
    queueMicrotask(() => {
      if (this.#closed || incarnation !== this.#incarnation) return
      this.#outgoing.push(request)
      this.flush()
    })
    return abortable(promise, signal)
  }

  /** Sends a message from the server to the client, in order. */
  send(deliver: () => void): void {
    if (this.#closed) return
    const dueMs = this.#clock.monotonicMs() + this.#server.replyDelayMs
    this.#incoming.push({ dueMs, deliver })
    // not `flush`: sending within a transaction must not start another one
    this.#deliver()
  }

  attach(stream: Stream): void {
    this.#streams.add(stream)
  }

  detach(stream: Stream): void {
    this.#streams.delete(stream)
  }

  sendAlive(): void {
    for (const stream of this.#streams) stream.sendAlive()
  }

  flush(): void {
    if (this.#closed || this.#server.isCut(this)) return
    if (this.#incarnation !== this.#server.incarnation) {
      this.#incarnation = this.#server.incarnation
      return this.#break('unavailable', 'the connection broke')
    }
    for (const request of this.#outgoing.splice(0)) this.#server.receive(request)
    this.#deliver()
  }

  /** Pending calls and observations fail with `closed`. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#break('closed', 'the driver is disposed')
    this.#server.disconnect(this)
  }

  #deliver(): void {
    if (this.#server.isCut(this) || this.#incarnation !== this.#server.incarnation) return
    this.#timer?.cancel()
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    for (;;) {
      const next = this.#incoming[0]
      if (next === undefined) return
      if (next.dueMs > nowMs) {
        this.#timer = this.#clock.setTimer(next.dueMs - nowMs, () => this.#deliver())
        return
      }
      this.#incoming.shift()
      next.deliver()
    }
  }

  #break(code: RegistryErrorCode, message: string): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#outgoing = []
    this.#incoming = []
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const fail of pending) fail(code, message)
    for (const stream of this.#streams) stream.fail(code, message)
  }
}
