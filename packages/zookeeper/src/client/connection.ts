import type { DriverContext, Timer } from '@sd/core/driver'
import { connectionLossCode } from './error-codes.ts'
import { FrameReader } from './codec/frame-reader.ts'
import { HostRotation } from './guards/host-rotation.ts'
import { KeepAlive } from './guards/keep-alive.ts'
import { authenticationXid, checkConnectReply, checkReply } from './guards/reply-check.ts'
import { WatchTable } from './guards/watch-table.ts'
import type { Host, Library, LibraryRequest } from './library.ts'
import type { NodeEvent, NodeListener } from './zookeeper-client.ts'

/** The library's states of a connection (`ConnectionManager.STATES`). */
const states = { authFailed: -4, expired: -3, connecting: 1, connected: 2 }

/** Request numbers are 32 bits; the library counts beyond them, and then throws for ever. */
const maxXid = 0x7fff_0000

/** A connection that lasted at least this long counts as good. */
const lastingMs = 1_000

/** Receives the result of a request, or the code of its failure. Called once. */
export type Answered = (code: number, payload?: unknown) => void

/** The server does not know the session or refused the login, or none was reached for the session's timeout. */
export type EndOfSession = 'expired' | 'auth-failed' | 'out-of-reach'

/** Callbacks of a connection. They must not throw. */
export interface ConnectionEvents {
  /** The handshake and the login are done. */
  opened(): void
  /** An open connection was lost. Its requests have failed; watches are notified after this call. */
  lost(): void
  /** The session has ended for good; the connection is released already. */
  ended(why: EndOfSession): void
  listenerThrew(error: unknown): void
}

export interface ConnectionOptions {
  readonly library: Library
  readonly authenticates: boolean
  readonly sessionTimeoutMs: number
  /** Default: a rotation of its own. */
  readonly rotation?: HostRotation | undefined
  readonly context: DriverContext
}

/**
 * One session's connection, to one host after the other. The library maintains it; this class handles
 * what the library does not: silent hosts, truncated frames, answers that are not ZooKeeper's, idle
 * senders, and the end of a session while no server is reachable.
 */
export class Connection {
  /** How long a host may take from the first packet until the login is done. */
  readonly handshakeMs: number
  readonly watches: WatchTable
  readonly #library: Library
  readonly #options: ConnectionOptions
  readonly #events: ConnectionEvents
  readonly #hosts: HostRotation
  readonly #process: (frame: Buffer) => void
  readonly #keepAlive: KeepAlive
  readonly #inFlight = new Set<Answered>()
  #frames = new FrameReader()
  #open = false
  #released = false
  #host = ''
  #code = 0
  #openedMs = 0
  #trouble = 'not connected yet'
  #attempt: Timer | undefined
  #sessionEnd: Timer | undefined

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    const { library, sessionTimeoutMs, context } = options
    const { connection } = library
    this.#library = library
    this.#options = options
    this.#events = events
    this.#hosts =
      options.rotation ?? new HostRotation(connection.servers, sessionTimeoutMs, context.random)
    this.handshakeMs = Math.max(
      1_000,
      sessionTimeoutMs / 2 / Math.max(2, connection.servers.length),
    )
    this.watches = new WatchTable((listener, event) => this.#tell(listener, event))
    this.#keepAlive = new KeepAlive(context.clock, () => this.#ping())
    this.#process = connection.onSocketData.bind(connection)
    connection.findNextServer = (use) => this.#tryNext(use)
    connection.onSocketData = (chunk) => this.#received(chunk)
    connection.watcherManager = { isEmpty: () => true, emit: (event) => this.watches.fire(event) }
    const closed = connection.onSocketClosed.bind(connection)
    connection.onSocketClosed = () => {
      this.#attempt?.cancel()
      this.#gone()
      // an unsent login would be sent on the next connection, in addition to the new one
      connection.packetQueue.queue.length = 0
      closed()
    }
    connection.on('state', (state) => {
      if (state === states.expired) this.#end('expired')
      if (state === states.authFailed) this.#end('auth-failed')
    })
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** The last failure, for error messages. */
  get trouble(): string {
    return this.#trouble
  }

  get sessionTimeoutMs(): number {
    return this.#library.connection.getSessionTimeout()
  }

  /** As ZooKeeper's own tools show it. */
  get sessionId(): bigint {
    return this.#library.connection.getSessionId().readBigUInt64BE()
  }

  connect(): void {
    // the delays of a client before this one do not count
    this.#hosts.settled()
    this.#library.connection.connect()
  }

  /** Sends `request` now, or fails it. */
  send(request: LibraryRequest, answered: Answered): void {
    const { connection } = this.#library
    if (!this.#open) {
      answered(connectionLossCode)
      return
    }
    if (connection.xid > maxXid) connection.xid = 1
    this.#keepAlive.sent()
    this.#inFlight.add(answered)
    connection.queue(request, (error, response) => {
      // if the connection was dropped, the request has failed already
      if (!this.#inFlight.delete(answered)) return
      if (error) answered(response ? this.#code : error.code)
      else answered(0, response?.payload)
    })
  }

  /** Drops the connection to the current host, if any, and continues with the next host. */
  drop(why: string): void {
    this.#failed(why)
    // without an error the library's own timer would continue, and destroy the next socket
    this.#library.connection.socket?.destroy(new Error(why))
    this.#gone()
  }

  /** Releases everything; no callback is called after it. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.drop('the client is closed')
    this.#attempt?.cancel()
    this.#sessionEnd?.cancel()
  }

  #tryNext(use: (host: Host) => void): void {
    if (this.#released) return
    const { clock } = this.#options.context
    const { host, delayMs } = this.#hosts.next()
    this.#attempt = clock.setTimer(delayMs, () => {
      this.#host = `${host.host}:${host.port}`
      this.#frames = new FrameReader()
      use(host)
      this.#library.connection.socket?.on('error', ({ message }) => this.#failed(message))
      this.#attempt = clock.setTimer(this.handshakeMs, () =>
        this.drop(`no handshake within ${this.handshakeMs} ms`),
      )
    })
  }

  /** An exception must not reach the socket: it would be uncaught. */
  #received(chunk: Buffer): void {
    const { socket } = this.#library.connection
    try {
      for (const frame of this.#frames.push(chunk)) {
        // the previous frame may have ended the connection
        if (socket?.destroyed) return
        this.#take(frame)
      }
    } catch (error) {
      this.drop(error instanceof Error ? error.message : String(error))
    }
  }

  #take(frame: Buffer): void {
    const { connection } = this.#library
    if (connection.state === states.connecting) {
      checkConnectReply(frame)
      this.#process(frame)
      if (connection.state === states.connected && !this.#options.authenticates) this.#opened()
      return
    }
    const { xid, code } = checkReply(frame)
    this.#code = code
    this.#process(frame)
    if (!this.#open && xid === authenticationXid && code === 0) this.#opened()
  }

  #opened(): void {
    const { clock } = this.#options.context
    this.#attempt?.cancel()
    this.#sessionEnd?.cancel()
    this.#open = true
    this.#openedMs = clock.monotonicMs()
    this.#keepAlive.start(this.sessionTimeoutMs / 3)
    this.#events.opened()
  }

  #failed(why: string): void {
    this.#trouble = `${this.#host || 'not connected'}: ${why}`
  }

  #ping(): void {
    const { connection, jute } = this.#library
    const header = new jute.protocol.RequestHeader(jute.XID_PING, jute.OP_CODES.PING)
    connection.queue(new jute.Request(header, null))
  }

  /** Runs once for each open connection, and at once: a socket reports its end later. */
  #gone(): void {
    if (!this.#open) return
    const { clock } = this.#options.context
    this.#open = false
    this.#keepAlive.stop()
    if (clock.monotonicMs() - this.#openedMs >= lastingMs) this.#hosts.settled()
    // no server receives anything of this session until it reconnects
    if (!this.#released)
      this.#sessionEnd = clock.setTimer(this.sessionTimeoutMs, () => this.#end('out-of-reach'))
    for (const answered of this.#inFlight) answered(connectionLossCode)
    this.#inFlight.clear()
    this.#events.lost()
    this.watches.lose()
  }

  #end(why: EndOfSession): void {
    if (this.#released) return
    this.release()
    this.#events.ended(why)
  }

  #tell(listener: NodeListener, event: NodeEvent): void {
    try {
      listener(event)
    } catch (error) {
      this.#events.listenerThrew(error)
    }
  }
}
