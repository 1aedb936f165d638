import { abortable, type DriverContext } from '@sd/core/driver'
import { Calls, type EndReason } from './calls.ts'
import { Connection, type EndOfSession } from './connection.ts'
import { endSession } from './end-session.ts'
import { establishSession } from './establish-session.ts'
import type { HostRotation } from './guards/host-rotation.ts'
import type { WatchKind } from './guards/watch-table.ts'
import type { Library } from './library.ts'
import { readChildren, readData, readMulti, readStat, sessionIdText } from './replies.ts'
import { Requests } from './requests.ts'
import type {
  ClientState,
  MultiOperation,
  NodeChildren,
  NodeData,
  NodeKind,
  NodeListener,
  NodeStat,
  ZooKeeperClient,
} from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

export interface GuardedClientOptions {
  readonly library: Library
  readonly hosts: readonly string[]
  readonly sessionTimeoutMs: number
  readonly username?: string | undefined
  readonly worldReadable?: boolean | undefined
  readonly rotation?: HostRotation | undefined
  readonly context: DriverContext
}

const endings: Readonly<Record<EndOfSession, EndReason>> = {
  expired: {
    code: 'SESSION_EXPIRED',
    message: 'the server does not know the session any more',
  },
  'out-of-reach': {
    code: 'OPERATION_TIMEOUT',
    message: 'no server was reached for as long as the session lasts',
  },
  'auth-failed': { code: 'AUTH_FAILED', message: 'the server refused the credentials' },
}

const nothing = (): void => {}

/** Implements the port over a guarded connection of the library. */
export class GuardedClient implements ZooKeeperClient {
  readonly #options: GuardedClientOptions
  readonly #connection: Connection
  readonly #calls: Calls
  readonly #requests: Requests
  readonly #listeners = new Set<(state: ClientState) => void>()
  readonly #ended = new AbortController()
  #state: ClientState = 'connecting'
  #sessionId = ''
  #sessionTimeoutMs: number
  #started = false
  #why: EndReason | undefined
  #closing: Promise<boolean> | undefined

  constructor(options: GuardedClientOptions) {
    const { library, sessionTimeoutMs, username, worldReadable = true, rotation, context } = options
    this.#options = options
    this.#sessionTimeoutMs = sessionTimeoutMs
    const owned = worldReadable ? 'creator, world reads' : 'creator'
    this.#requests = new Requests(library.jute, username === undefined ? 'open' : owned)
    this.#connection = new Connection(
      { library, sessionTimeoutMs, rotation, context, authenticates: username !== undefined },
      {
        opened: () => {
          this.#sessionId = sessionIdText(this.#connection.sessionId)
          this.#sessionTimeoutMs = this.#connection.sessionTimeoutMs
          this.#move('connected')
        },
        lost: () => this.#move('disconnected'),
        ended: (why) => this.#end(why),
        listenerThrew: (error) => this.#listenerThrew(error),
      },
    )
    this.#calls = new Calls(this.#connection, () => this.#endReason())
  }

  get sessionId(): string {
    return this.#sessionId
  }

  get sessionTimeoutMs(): number {
    return this.#sessionTimeoutMs
  }

  get state(): ClientState {
    return this.#state
  }

  get ended(): AbortSignal {
    return this.#ended.signal
  }

  async connect(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#started || this.#closing)
      throw new ZooKeeperError('BAD_ARGUMENTS', {
        operation: 'connect',
        message: 'a client can connect only once; create another one',
      })
    this.#started = true
    const { hosts, sessionTimeoutMs, context } = this.#options
    const { clock } = context
    const connection = this.#connection
    try {
      await establishSession({ client: this, connection, hosts, sessionTimeoutMs, clock }, signal)
    } catch (error) {
      this.#release()
      throw error
    }
  }

  onState(listener: (state: ClientState) => void): () => void {
    // an entry for each call, as the same function may be passed twice
    const entry = (state: ClientState): void => listener(state)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  reconnect(): void {
    if (this.#state === 'connected') this.#connection.drop('the client moved to another server')
  }

  create(path: string, data: Uint8Array, kind: NodeKind, signal: AbortSignal): Promise<void> {
    const request = () => this.#requests.create(path, data, kind)
    return this.#calls.run({ operation: 'create', path, signal, request, read: nothing })
  }

  set(path: string, data: Uint8Array, version: number, signal: AbortSignal): Promise<NodeStat> {
    const request = () => this.#requests.set(path, data, version)
    return this.#calls.run({ operation: 'set', path, signal, request, read: readStat })
  }

  delete(path: string, version: number, signal: AbortSignal): Promise<void> {
    const request = () => this.#requests.delete(path, version)
    return this.#calls.run({ operation: 'delete', path, signal, request, read: nothing })
  }

  get(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeData> {
    return this.#calls.run({
      operation: 'get',
      path,
      signal,
      isRead: true,
      watch: watching('data', watch),
      request: () => this.#requests.get(path, watch !== undefined),
      read: readData,
    })
  }

  exists(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeStat | undefined> {
    return this.#calls.run({
      operation: 'exists',
      path,
      signal,
      // without a watch it is a heartbeat, or as small as one
      isRead: watch !== undefined,
      watch: watching('data', watch),
      request: () => this.#requests.exists(path, watch !== undefined),
      takesAbsence: true,
      read: (payload) => (payload === undefined ? undefined : readStat(payload)),
    })
  }

  children(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeChildren> {
    return this.#calls.run({
      operation: 'children',
      path,
      signal,
      isRead: true,
      watch: watching('children', watch),
      request: () => this.#requests.children(path, watch !== undefined),
      read: readChildren,
    })
  }

  multi(operations: readonly MultiOperation[], signal: AbortSignal): Promise<void> {
    return this.#calls.run({
      operation: 'multi',
      signal,
      request: () => this.#requests.multi(operations),
      read: (payload) => readMulti(payload, operations),
    })
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closing ??= this.#close(signal)
    if (await abortable(this.#closing, signal)) return
    const message = 'no server confirmed the close; the session ends after its timeout'
    throw new ZooKeeperError('CONNECTION_LOSS', { operation: 'close', message })
  }

  /** Whether the session is known to have ended. Releases everything, and never rejects. */
  async #close(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options.context
    const [connection, request] = [this.#connection, this.#requests.closeSession()]
    const hasSession = this.#sessionId !== '' && this.#state !== 'ended'
    const ending = !hasSession || endSession({ client: this, connection, request, clock }, signal)
    // released before the promises settle, but after `endSession` has seen the abort
    signal.addEventListener('abort', () => this.#release(), { once: true })
    const confirmed = await ending
    this.#release()
    return confirmed
  }

  #end(why: EndOfSession): void {
    const reason = endings[why]
    this.#why = reason
    this.#ended.abort(new ZooKeeperError(reason.code, { operation: 'session', ...reason }))
    this.#release()
  }

  /** Releases connection and listeners, so that nothing keeps the process alive. */
  #release(): void {
    if (this.#state === 'ended') return
    this.#connection.release()
    this.#move('ended')
    this.#listeners.clear()
  }

  #move(state: ClientState): void {
    this.#state = state
    for (const listener of this.#listeners) {
      try {
        listener(state)
      } catch (error) {
        this.#listenerThrew(error)
      }
    }
  }

  /** Reports an error of the caller's listener, which must not reach the library's parser. */
  #listenerThrew(error: unknown): void {
    const message = `a listener threw: ${error instanceof Error ? error.message : String(error)}`
    this.#options.context.report({ level: 'error', event: 'zookeeper-listener-threw', message })
  }

  /** Why no further call is possible; `undefined` while calls are. */
  #endReason(): EndReason | undefined {
    if (this.#why) return this.#why
    const closed = this.#closing !== undefined || this.#state === 'ended'
    return closed ? { code: 'CONNECTION_LOSS', message: 'the client is closed' } : undefined
  }
}

const watching = (kind: WatchKind, listener: NodeListener | undefined) =>
  listener && { kind, listener }
