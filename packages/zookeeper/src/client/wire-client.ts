import {
  abortable,
  type DriverContext,
  type HeartbeatWorker,
  type KeptSession,
} from '@sd/core/driver'
import { Calls, type EndReason } from './calls.ts'
import {
  readChildren,
  readData,
  readMulti,
  readMultiRead,
  readStat,
  sessionIdText,
} from './codec/replies.ts'
import {
  addWatchRequest,
  childrenRequest,
  createRequest,
  deleteRequest,
  ephemeralsRequest,
  existsRequest,
  getRequest,
  multiReadRequest,
  multiRequest,
  type NodeAccess,
  removeWatchesRequest,
  setRequest,
} from './codec/requests.ts'
import { Connection, type ConnectionOptions, type EndOfSession } from './connection/connection.ts'
import type { WatchKind, WatchTable } from './connection/watch-table.ts'
import { endSession } from './end-session.ts'
import { establishSession } from './establish-session.ts'
import {
  type ClientState,
  type LastSeen,
  maxReadsInBatch,
  type MultiOperation,
  type NodeChildren,
  type NodeData,
  type NodeKind,
  type NodeListener,
  type NodeStat,
  type ReadOperation,
  type ReadOutcome,
  type TreeListener,
  type ZooKeeperClient,
} from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

export interface WireClientOptions extends ConnectionOptions {
  readonly hosts: readonly string[]
  /** The permissions of the nodes that it creates. */
  readonly access: NodeAccess
  /** Keeps the session while the event loop is blocked. */
  readonly worker?: Pick<HeartbeatWorker, 'keep'> | undefined
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
  'auth-failed': {
    code: 'AUTH_FAILED',
    message: 'the server refused the credentials; check username and password',
  },
  'no-sasl': {
    code: 'AUTH_FAILED',
    message:
      "the server has no login by SASL DIGEST-MD5: it needs a section Server in its JAAS configuration (java.security.auth.login.config) and, since 3.9, fips-mode=false; or leave out auth, for ZooKeeper's digest scheme",
  },
}

const nothing = (): void => {}

/** Implements the port over a connection. */
export class WireClient implements ZooKeeperClient {
  readonly #options: WireClientOptions
  readonly #connection: Connection
  readonly #calls: Calls
  readonly #listeners = new Set<(state: ClientState) => void>()
  readonly #ended = new AbortController()
  #state: ClientState = 'connecting'
  #sessionId = ''
  #sessionTimeoutMs: number
  #kept: KeptSession | undefined
  #started = false
  #why: EndReason | undefined
  #closing: Promise<boolean> | undefined
  #onFailed: (() => void) | undefined

  constructor(options: WireClientOptions) {
    this.#options = options
    this.#sessionTimeoutMs = options.sessionTimeoutMs
    const { worker, context } = options
    const beganMs = context.clock.monotonicMs()
    const renewedMs = (): number | undefined => this.#kept?.renewedMs
    this.#connection = new Connection(
      { ...options, renewedMs },
      {
        opened: () => {
          const { session, sessionTimeoutMs } = this.#connection
          this.#sessionId = sessionIdText(session.id)
          this.#sessionTimeoutMs = sessionTimeoutMs
          const [id, password] = [this.#sessionId, session.password.toString('hex')]
          this.#kept ??= worker?.keep({ id, ttlMs: sessionTimeoutMs, password }, beganMs)
          this.#move('connected')
        },
        lost: () => this.#move('disconnected'),
        failed: () => this.#onFailed?.(),
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

  get server(): string {
    return this.#connection.server
  }

  get lastSeen(): LastSeen {
    return this.#connection.lastSeen
  }

  get unansweredMs(): number {
    return this.#connection.unansweredMs
  }

  get kept(): KeptSession | undefined {
    return this.#kept
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
    const onFailed = (listener: () => void): void => void (this.#onFailed = listener)
    try {
      await establishSession(
        { client: this, connection, hosts, sessionTimeoutMs, clock, onFailed },
        signal,
      )
    } catch (error) {
      this.#release()
      throw error
    } finally {
      this.#onFailed = undefined
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
    const request = () => createRequest(path, data, kind, this.#options.access)
    return this.#calls.run({ operation: 'create', path, signal, request, read: nothing })
  }

  set(path: string, data: Uint8Array, version: number, signal: AbortSignal): Promise<NodeStat> {
    const request = () => setRequest(path, data, version)
    return this.#calls.run({ operation: 'set', path, signal, request, read: readStat })
  }

  delete(path: string, version: number, signal: AbortSignal): Promise<void> {
    const request = () => deleteRequest(path, version)
    return this.#calls.run({ operation: 'delete', path, signal, request, read: nothing })
  }

  get(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeData> {
    return this.#calls.run({
      operation: 'get',
      path,
      signal,
      kind: 'read',
      watch: watching('data', path, watch),
      request: () => getRequest(path, watch !== undefined),
      read: readData,
    })
  }

  exists(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeStat | undefined> {
    return this.#calls.run({
      operation: 'exists',
      path,
      signal,
      // without a watch it is a heartbeat, or as small as one
      kind: watch === undefined ? 'other' : 'read',
      watch: watching('data', path, watch),
      request: () => existsRequest(path, watch !== undefined),
      unless: { code: 'NO_NODE', result: undefined },
      read: readStat,
    })
  }

  children(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeChildren> {
    return this.#calls.run({
      operation: 'children',
      path,
      signal,
      kind: 'read',
      watch: watching('children', path, watch),
      request: () => childrenRequest(path, watch !== undefined),
      read: readChildren,
    })
  }

  multi(
    operations: readonly MultiOperation[],
    signal: AbortSignal,
  ): Promise<readonly (number | undefined)[]> {
    return this.#calls.run({
      operation: 'multi',
      signal,
      request: () => multiRequest(operations, this.#options.access),
      read: (answer) => readMulti(answer, operations),
    })
  }

  multiRead(reads: readonly ReadOperation[], signal: AbortSignal): Promise<readonly ReadOutcome[]> {
    return this.#calls.run({
      operation: 'multiRead',
      signal,
      kind: 'batch',
      request: () => {
        if (reads.length > maxReadsInBatch)
          throw new RangeError(`${reads.length} reads; expected at most ${maxReadsInBatch}`)
        return multiReadRequest(reads)
      },
      read: (answer) => readMultiRead(answer, reads),
    })
  }

  ephemerals(prefix: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#calls.run({
      operation: 'ephemerals',
      path: prefix,
      signal,
      kind: 'batch',
      request: () => ephemeralsRequest(prefix),
      read: (answer) => answer.texts(),
    })
  }

  addWatch(path: string, listener: TreeListener, signal: AbortSignal): Promise<void> {
    return this.#calls.run({
      operation: 'addWatch',
      path,
      signal,
      request: () => addWatchRequest(path),
      read: nothing,
      watch: (watches) => watches.addTree(path, listener),
    })
  }

  removeWatches(path: string, signal: AbortSignal): Promise<void> {
    return this.#calls.run({
      operation: 'removeWatches',
      path,
      signal,
      request: () => removeWatchesRequest(path),
      unless: { code: 'NO_WATCHER', result: undefined },
      read: nothing,
      watch: (watches) => watches.remove(path),
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
    const connection = this.#connection
    this.#kept?.release()
    const hasSession = this.#sessionId !== '' && this.#state !== 'ended'
    const ending = !hasSession || endSession({ client: this, connection, clock }, signal)
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
    this.#kept?.release()
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

  /** Reports an error of the caller's listener, which must not end the connection. */
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

const watching = (kind: WatchKind, path: string, listener: NodeListener | undefined) =>
  listener && ((watches: WatchTable) => watches.add(kind, path, listener))
