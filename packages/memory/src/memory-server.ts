import type { Clock, RegistryErrorCode } from '@sd/core/driver'
import { memoryError, toRegistryError } from './errors.ts'
import type { SessionTable } from './session-table.ts'

/** The calls that a driver makes. */
export type MemoryOperation =
  | 'openSession'
  | 'renew'
  | 'put'
  | 'remove'
  | 'audit'
  | 'closeSession'
  | 'list'
  | 'observe'
  | 'probe'
  | 'edit'

/** The result of a request. */
export type Reply = { readonly value: unknown } | { readonly error: Error }

/** A call in flight to the server. */
export interface Request {
  readonly operation: MemoryOperation
  readonly clock: Clock
  /** The server process that it was sent to; a later process does not receive it. */
  readonly incarnation: number
  /** Reads or writes the store in one step, hence in one transaction. */
  execute(): unknown
  reply(reply: Reply): void
}

/** The server's view of a client's connection. */
export interface Client {
  /** Whether `owner` identifies this client in a test. */
  belongsTo(owner: object): boolean
  /** Delivers what can be delivered, after the server or the network has changed. */
  flush(): void
}

/** The data of a server, which outlives its process. */
export interface ServerData {
  readonly sessions: SessionTable
}

/**
 * The server process, and the network to it. Without faults it passes requests on to the store.
 */
export class MemoryServer {
  /** The delay of every reply and observation, in milliseconds. */
  replyDelayMs: number = 0
  /** The delay of a `put`, in milliseconds; other requests may overtake it. */
  putDelayMs: number = 0
  /** The number of next puts that take effect but lose their reply. */
  repliesToLose: number = 0
  /** The errors of the next calls; each applies once. */
  readonly failures: { code: RegistryErrorCode; operation: MemoryOperation | undefined }[] = []
  /** Services that refuse writes (`undefined`: all), and whether one fails its whole batch. */
  readonly denied: Map<string | undefined, { readonly wholeBatch: boolean }> = new Map()
  readonly #data: ServerData
  readonly #connections = new Set<Client>()
  readonly #cuts = new Set<{ readonly client: object | undefined }>()
  #state: 'serving' | 'paused' | 'stopped' = 'serving'
  #incarnation = 1
  #waiting: (() => void)[] = []

  constructor(data: ServerData) {
    this.#data = data
  }

  /** Counts the starts of the process. */
  get incarnation(): number {
    return this.#incarnation
  }

  connect(connection: Client): void {
    this.#connections.add(connection)
    this.#runExpiry()
  }

  disconnect(connection: Client): void {
    this.#connections.delete(connection)
    // no client observes the expiry, and a timer would keep the process from exiting;
    // sessions that run out meanwhile expire when the next client connects
    if (this.#connections.size === 0) this.#data.sessions.halt()
  }

  /** Whether the network between this client and the server is cut. */
  isCut(connection: Client): boolean {
    for (const { client } of this.#cuts)
      if (client === undefined || connection.belongsTo(client)) return true
    return false
  }

  /** Handles a request that has arrived. */
  receive(request: Request): void {
    const { operation, clock, incarnation } = request
    if (operation !== 'put' || this.putDelayMs === 0) return this.#accept(request)
    clock.setTimer(this.putDelayMs, () => {
      // a request in flight to a killed process is lost
      if (incarnation === this.#incarnation) this.#accept(request)
    })
  }

  /** Runs `change` now, or, while the process is frozen, queues it with the waiting requests. */
  whenAwake(change: () => void): void {
    if (this.#state === 'paused') this.#waiting.push(change)
    else change()
  }

  pause(): void {
    if (this.#state !== 'serving') return
    this.#state = 'paused'
    this.#data.sessions.halt()
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'serving'
    // sessions expire before the waiting renewals run, as in etcd
    this.#runExpiry()
    for (const run of this.#waiting.splice(0)) run()
  }

  stop(): void {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    this.#incarnation += 1
    this.#waiting = []
    this.#data.sessions.halt()
    for (const connection of this.#connections) connection.flush()
  }

  start(): void {
    if (this.#state !== 'stopped') return
    this.#state = 'serving'
    this.#data.sessions.renewAll()
    this.#runExpiry()
  }

  /** Kills the process, changes its disk, and starts the process again if it was running. */
  exchange(change: () => void): void {
    const wasStopped = this.#state === 'stopped'
    this.stop()
    change()
    if (!wasStopped) this.start()
  }

  /** Cuts one client off, or all; the returned function ends that. */
  cut(client: object | undefined): () => void {
    const cut = { client }
    this.#cuts.add(cut)
    return () => {
      this.#cuts.delete(cut)
      for (const connection of this.#connections) connection.flush()
    }
  }

  /** Ends every fault; a stopped server starts. */
  heal(): void {
    this.replyDelayMs = 0
    this.putDelayMs = 0
    this.repliesToLose = 0
    this.failures.length = 0
    this.denied.clear()
    this.#cuts.clear()
    this.start()
    this.resume()
    for (const connection of this.#connections) connection.flush()
  }

  #runExpiry(): void {
    if (this.#state === 'serving' && this.#connections.size > 0) this.#data.sessions.run()
  }

  #accept(request: Request): void {
    if (this.#state === 'stopped')
      request.reply({
        error: memoryError('unavailable', request.operation, 'the server is stopped'),
      })
    else this.whenAwake(() => request.reply(this.#execute(request)))
  }

  #execute(request: Request): Reply {
    const { operation } = request
    const index = this.failures.findIndex((failure) =>
      [undefined, operation].includes(failure.operation),
    )
    const [failure] = index < 0 ? [] : this.failures.splice(index, 1)
    if (failure)
      return { error: memoryError(failure.code, operation, 'a failure injected by MemoryFaults') }
    try {
      const value = request.execute()
      if (operation !== 'put' || this.repliesToLose === 0) return { value }
      this.repliesToLose -= 1
      return { error: memoryError('unavailable', operation, 'the reply was lost') }
    } catch (cause) {
      return { error: toRegistryError(cause, operation) }
    }
  }
}
