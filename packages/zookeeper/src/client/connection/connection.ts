import type { DriverContext, Timer } from '@sd/core/driver'
import { connectRequest, type Granted, noSession, type SessionKey } from '../codec/handshake.ts'
import { nextXid, xids } from '../codec/protocol-numbers.ts'
import { MalformedRecord, RecordReader } from '../codec/record-reader.ts'
import { readEvent, readHeader } from '../codec/replies.ts'
import { pingRequest, type Request } from '../codec/requests.ts'
import { connectionLossCode } from '../error-codes.ts'
import type { LastSeen } from '../zookeeper-client.ts'
import type { HostRotation } from './host-rotation.ts'
import { KeepAlive } from './keep-alive.ts'
import { Link, type LinkOptions, type Refusal, type Trouble } from './link.ts'
import { patienceMs } from './patience.ts'
import { WatchTable } from './watch-table.ts'

/** A connection that lasted at least this long counts as good. */
const lastingMs = 1_000

/** A hang-up while a request of this size is in flight may be due to the size. */
const largeBytes = 100_000

/** How long a first connection waits for one host before it tries the next as well. */
const headStartMs = 250

/**
 * Receives the answer to a request, after its header, or the code of its failure and no answer.
 * Called once. What it throws ends the connection.
 */
export type Answered = (code: number, answer?: RecordReader) => void

/** A server refused the session or the login, or none was reached for the session's timeout. */
export type EndOfSession = Refusal | 'out-of-reach'

interface InFlight {
  readonly xid: number
  readonly bytes: number
  readonly sentMs: number
  readonly answered: Answered
}

/** Callbacks of a connection. They must not throw. */
export interface ConnectionEvents {
  /** The handshake and the login are done. */
  opened(): void
  /** An open connection was lost. Its requests have failed; watches are notified after this call. */
  lost(): void
  /** A host was tried in vain; `troubles` has the reason. */
  failed(): void
  /** The session has ended for good; the connection is released already. */
  ended(why: EndOfSession): void
  listenerThrew(error: unknown): void
}

export interface ConnectionOptions extends Pick<LinkOptions, 'secureOptions' | 'login'> {
  readonly rotation: HostRotation
  /** The timeout to ask for. */
  readonly sessionTimeoutMs: number
  readonly context: DriverContext
  /** Called when a part of a frame has arrived, and not its end. */
  readonly onPart?: (() => void) | undefined
  /** When the session was last renewed, by whichever thread; `undefined` where no other one may. */
  readonly renewedMs?: () => number | undefined
}

const nameOf = ({ host: { host, port } }: Link): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** One session's connection, to one host after the other. */
export class Connection {
  readonly watches: WatchTable
  readonly #options: ConnectionOptions
  readonly #events: ConnectionEvents
  readonly #keepAlive: KeepAlive
  /** What each host did last, in the order of those events. */
  readonly #troubles = new Map<string, Trouble>()
  readonly #dialling = new Set<Link>()
  #inFlight: InFlight[] = []
  /** The index of the oldest request in flight: shifting an array of thousands is slow. */
  #oldest = 0
  #link: Link | undefined
  #session: SessionKey = noSession
  #timeoutMs: number
  #lastZxid = 0n
  #xid = 0
  /** How many hosts in a row stayed silent. */
  #silences = 0
  #openedMs = 0
  #heardMs = 0
  #released = false
  #next: Timer | undefined
  #sessionEnd: Timer | undefined

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options
    this.#events = events
    this.#timeoutMs = options.sessionTimeoutMs
    this.watches = new WatchTable((call) => this.#tell(call))
    const ping = pingRequest()
    this.#keepAlive = new KeepAlive(options.context.clock, () => this.#link?.send(ping.frame))
  }

  /** `host:port` of the open connection; empty without one. */
  get server(): string {
    return this.#link ? nameOf(this.#link) : ''
  }

  get isOpen(): boolean {
    return this.#link !== undefined
  }

  /** What the hosts that were tried did last, for error messages; the newest last. */
  get trouble(): string {
    const troubles = new Map(Array.from(this.#troubles, ([host, { why }]) => [host, why]))
    for (const link of this.#dialling)
      if (!troubles.has(nameOf(link))) troubles.set(nameOf(link), link.waiting)
    if (troubles.size === 0) return 'not connected yet'
    return Array.from(troubles, ([host, why]) => `${host}: ${why}`).join('; ')
  }

  get lastSeen(): LastSeen {
    if (!this.#link) return { text: this.trouble, silentMs: Number.POSITIVE_INFINITY }
    const silentMs = Math.round(this.#options.context.clock.monotonicMs() - this.#heardMs)
    const text = `${nameOf(this.#link)}: it is connected, and last answered ${silentMs} ms ago`
    return { text, silentMs }
  }

  /** For how long the server has sent nothing while a request waits for its answer; 0 if none does. */
  get unansweredMs(): number {
    const oldest = this.#inFlight[this.#oldest]
    if (!this.#link || !oldest) return 0
    return this.#options.context.clock.monotonicMs() - Math.max(oldest.sentMs, this.#heardMs)
  }

  /** The same of each host, for hosts that failed. */
  get troubles(): ReadonlyMap<string, Trouble> {
    return this.#troubles
  }

  /** How long a host may take from the first packet until the login is done. */
  get patienceMs(): number {
    const { size } = this.#options.rotation
    // the hosts of a first connection are tried beside each other: a slow one holds up no other
    const inTurn = this.#session === noSession ? 1 : size
    return patienceMs(this.#timeoutMs, inTurn, Math.floor(this.#silences / size))
  }

  /** The timeout that the server granted, or before that the requested one. */
  get sessionTimeoutMs(): number {
    return this.#timeoutMs
  }

  get session(): SessionKey {
    return this.#session
  }

  connect(): void {
    // the delays of a client before this one do not count
    this.#options.rotation.settled()
    this.#tryNext()
  }

  /** Sends `request` now, or fails it. */
  send(request: Request, answered: Answered): void {
    if (!this.#link) return answered(connectionLossCode)
    this.#xid = nextXid(this.#xid)
    this.#keepAlive.sent()
    const sentMs = this.#options.context.clock.monotonicMs()
    this.#inFlight.push({ xid: this.#xid, bytes: request.payloadBytes, sentMs, answered })
    this.#link.send(request.numbered(this.#xid))
  }

  /** Drops the connection to the current host, if any, and continues with the next host. */
  drop(why: string): void {
    const link = this.#link
    if (!link) return
    link.close()
    this.#gone(link, { why, isSilent: false })
  }

  /** Releases everything; no callback is called after it, except `lost` for an open connection. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#next?.cancel()
    for (const link of this.#dialling) link.close()
    this.#dialling.clear()
    this.drop('the client is closed')
    this.#sessionEnd?.cancel()
  }

  /** Dials the next host that is not being dialled, after the rotation's delay. */
  #tryNext(): void {
    if (this.#released || this.#link) return
    this.#next?.cancel()
    const { rotation, context } = this.#options
    const busy = new Set(Array.from(this.#dialling, ({ host }) => host))
    if (busy.size >= rotation.size) return
    let { host, delayMs } = rotation.next()
    while (busy.has(host)) {
      const next = rotation.next()
      // the delay between two rounds applies, also if the host at their border is skipped
      ;[host, delayMs] = [next.host, Math.max(delayMs, next.delayMs)]
    }
    this.#next = context.clock.setTimer(delayMs, () => {
      this.#dial(host)
      // racing hosts would contend for a session that exists
      if (this.#session === noSession)
        this.#next = context.clock.setTimer(headStartMs, () => this.#tryNext())
    })
  }

  #dial(host: LinkOptions['host']): void {
    const { sessionTimeoutMs, secureOptions, login, context } = this.#options
    const handshake = connectRequest(this.#session, sessionTimeoutMs, this.#lastZxid)
    const options = { host, secureOptions, handshake, login, patienceMs: this.patienceMs }
    const link = new Link(
      { ...options, clock: context.clock },
      {
        opened: (granted) => this.#opened(link, granted),
        refused: (why) => {
          if (why === 'expired' && this.#session === noSession)
            this.#failed(link, { why: 'it refuses a new session', isSilent: false })
          else this.#end(why)
        },
        frame: (frame) => this.#received(frame),
        part: () => {
          this.#heardMs = context.clock.monotonicMs()
          this.#options.onPart?.()
        },
        failed: (trouble) =>
          link === this.#link ? this.#hungUp(link, trouble) : this.#failed(link, trouble),
      },
    )
    this.#dialling.add(link)
  }

  #opened(link: Link, granted: Granted): void {
    this.#next?.cancel()
    this.#sessionEnd?.cancel()
    this.#dialling.delete(link)
    // a session that a slower host grants as well owns nothing, and ends by itself
    for (const other of this.#dialling) other.close()
    this.#dialling.clear()
    this.#troubles.clear()
    this.#silences = 0
    this.#link = link
    this.#session = granted
    this.#timeoutMs = granted.timeoutMs
    this.#openedMs = this.#options.context.clock.monotonicMs()
    this.#heardMs = this.#openedMs
    this.#keepAlive.start(granted.timeoutMs / 3)
    this.#events.opened()
  }

  #received(frame: Buffer): void {
    this.#heardMs = this.#options.context.clock.monotonicMs()
    const reader = new RecordReader(frame)
    const { xid, zxid, code } = readHeader(reader)
    if (xid === xids.ping) return
    if (xid === xids.event) return this.watches.fire(readEvent(reader))
    const oldest = this.#inFlight[this.#oldest]
    if (oldest?.xid !== xid)
      throw new MalformedRecord(`an answer to request ${xid}; expected ${oldest?.xid ?? 'none'}`)
    if (++this.#oldest === this.#inFlight.length) {
      this.#inFlight = []
      this.#oldest = 0
    }
    if (zxid > 0n) this.#lastZxid = zxid
    oldest.answered(code, reader)
  }

  #failed(link: Link, trouble: Trouble): void {
    this.#dialling.delete(link)
    if (trouble.isSilent) this.#silences++
    this.#noteTrouble(link, trouble)
    this.#events.failed()
    this.#tryNext()
  }

  /** A server says nothing when it hangs up on a request that is too large for it. */
  #hungUp(link: Link, { why, isSilent }: Trouble): void {
    const pending = this.#inFlight.slice(this.#oldest)
    const largest = pending.reduce((most, { bytes }) => Math.max(most, bytes), 0)
    const hint = `; a request of ${largest} bytes was in flight: is that above its jute.maxbuffer?`
    this.#gone(link, { why: largest < largeBytes ? why : `${why}${hint}`, isSilent })
  }

  /** Runs once for each open connection. */
  #gone(link: Link, trouble: Trouble): void {
    const { context, rotation } = this.#options
    this.#link = undefined
    this.#noteTrouble(link, trouble)
    this.#keepAlive.stop()
    if (context.clock.monotonicMs() - this.#openedMs >= lastingMs) rotation.settled()
    if (!this.#released) this.#endAfter(this.#timeoutMs)
    const failing = this.#inFlight.slice(this.#oldest)
    this.#inFlight = []
    this.#oldest = 0
    for (const { answered } of failing) answered(connectionLossCode)
    this.#events.lost()
    this.watches.lose()
    this.#tryNext()
  }

  /** No server receives anything of this session until it reconnects, except from another thread. */
  #endAfter(delayMs: number): void {
    const { context, renewedMs } = this.#options
    this.#sessionEnd = context.clock.setTimer(delayMs, () => {
      const sinceMs = renewedMs?.() ?? Number.NEGATIVE_INFINITY
      const leftMs = sinceMs + this.#timeoutMs - context.clock.monotonicMs()
      if (leftMs > 0) this.#endAfter(leftMs)
      else this.#end('out-of-reach')
    })
  }

  #noteTrouble(link: Link, trouble: Trouble): void {
    const name = nameOf(link)
    this.#troubles.delete(name)
    this.#troubles.set(name, trouble)
  }

  #end(why: EndOfSession): void {
    if (this.#released) return
    this.release()
    this.#events.ended(why)
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#events.listenerThrew(error)
    }
  }
}
