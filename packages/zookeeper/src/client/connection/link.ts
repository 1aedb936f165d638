import { isIP, type Socket } from 'node:net'
import type { ConnectionOptions as SecureOptions } from 'node:tls'
import type { Clock, Timer } from '@sd/core/driver'
import { FrameReader, FrameTooLong } from '../codec/frame-reader.ts'
import { type Granted, readConnectReply } from '../codec/handshake.ts'
import { xids } from '../codec/protocol-numbers.ts'
import { MalformedRecord, RecordReader } from '../codec/record-reader.ts'
import { readHeader } from '../codec/replies.ts'
import { dialHost, readyEvent } from './dial-host.ts'
import type { Host } from './host-rotation.ts'
import type { Login, LoginRefusal } from './login.ts'
import { socketTrouble } from './socket-trouble.ts'

/** A handshake's answer is shorter. */
const maxHandshakeBytes = 1_000
/** Above any answer to one request: 64 of the largest nodes, or the names of a million children. */
const maxFrameBytes = 64 * 1024 * 1024
/** A server sends answers of any size: its `jute.maxbuffer` limits requests only. */
const tooLongAdvice =
  'the answer is larger than this client reads (64 MiB); split the node with so many children into several services or namespaces'

/** What a host did last. */
export interface Trouble {
  /** For error messages. */
  readonly why: string
  /** Whether it did nothing for as long as it was waited for: it may be slow. */
  readonly isSilent: boolean
}

/** Why a server ends a session, or does not begin one. */
export type Refusal = 'expired' | LoginRefusal

/** Callbacks of a link. `refused` and `failed` are called at most once, and never after `close`. */
export interface LinkEvents {
  /** The handshake and the login are done. */
  opened(granted: Granted): void
  /** The server does not know the session, or refuses the login. The link is closed. */
  refused(why: Refusal): void
  /** A frame after the login. Whatever it throws ends the link. */
  frame(frame: Buffer): void
  /** A part of such a frame, and not its end. */
  part?(): void
  /** It ended, or no handshake was made in time. */
  failed(trouble: Trouble): void
}

export interface LinkOptions {
  readonly host: Host
  /** Called for each link, so that certificates on disk can be replaced. Plain TCP without it. */
  readonly secureOptions?: (() => Promise<SecureOptions>) | undefined
  /** The first frame. */
  readonly handshake: Buffer
  /** Begins a login; called for each link. No login without it. */
  readonly login?: (() => Login) | undefined
  /** How long the host may take from the first packet until the login is done. */
  readonly patienceMs: number
  readonly clock: Clock
}

type Phase = 'dialling' | 'handshake' | 'login' | 'open' | 'closed'

/** One socket to one host: dialling, TLS, the handshake, the login, then frames in both directions. */
export class Link {
  readonly host: Host
  readonly #options: LinkOptions
  readonly #events: LinkEvents
  readonly #frames = new FrameReader(maxHandshakeBytes)
  readonly #patience: Timer
  readonly #beganMs: number
  #phase: Phase = 'dialling'
  #socket: Socket | undefined
  #granted: Granted | undefined
  #login: Login | undefined
  #corked = false
  /** Whether the address of the host is known. */
  #resolved: boolean
  /** Whether there is a connection, also if its TLS handshake is not done. */
  #accepted = false

  constructor(options: LinkOptions, events: LinkEvents) {
    this.host = options.host
    this.#resolved = isIP(options.host.host) !== 0
    this.#options = options
    this.#events = events
    this.#beganMs = options.clock.monotonicMs()
    this.#patience = options.clock.setTimer(options.patienceMs, () => this.#tooLate())
    void this.#dial()
  }

  /** What it waits for before it is open, for error messages. */
  get waiting(): string {
    const waited = `for ${Math.round(this.#options.clock.monotonicMs() - this.#beganMs)} ms`
    if (this.#accepted) return `it accepted a connection, and has not answered ${waited}`
    return this.#resolved ? `no connection ${waited}` : `its name has not been resolved ${waited}`
  }

  /** Frames of one turn of the event loop leave in one packet. */
  send(frame: Buffer): void {
    const socket = this.#socket
    if (!socket) return
    if (!this.#corked) {
      this.#corked = true
      socket.cork()
      process.nextTick(() => {
        this.#corked = false
        socket.uncork()
      })
    }
    socket.write(frame)
  }

  /** Ends it at once; no callback is called after it. */
  close(): void {
    this.#phase = 'closed'
    this.#patience.cancel()
    this.#socket?.destroy()
  }

  async #dial(): Promise<void> {
    const { secureOptions } = this.#options
    if (!secureOptions) return this.#use(undefined)
    try {
      const secure = await secureOptions()
      if (this.#phase !== 'closed') this.#use(secure)
    } catch (error) {
      this.#fail(`TLS is not possible: ${messageOf(error)}`)
    }
  }

  #use(secure: SecureOptions | undefined): void {
    const socket = dialHost(this.host, secure)
    this.#socket = socket
    let trouble: NodeJS.ErrnoException | undefined
    socket.once('lookup', () => (this.#resolved = true))
    socket.once('connect', () => (this.#accepted = true))
    socket.once(readyEvent(secure), () => this.#dialled())
    socket.on('data', (chunk) => this.#received(chunk))
    socket.on('error', (error) => (trouble = error))
    socket.once('close', () =>
      this.#fail(socketTrouble(this.#phase, trouble, secure !== undefined)),
    )
  }

  #dialled(): void {
    this.#phase = 'handshake'
    this.send(this.#options.handshake)
  }

  /** An exception must not reach the socket: it would be uncaught. */
  #received(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        // the previous frame may have ended the link
        if (this.#phase === 'closed') return
        this.#take(frame)
      }
      if (this.#phase === 'open' && this.#frames.hasPart) this.#events.part?.()
    } catch (error) {
      const isTooLong = error instanceof FrameTooLong
      const isStrange = this.#phase !== 'open' && (isTooLong || error instanceof MalformedRecord)
      const why = messageOf(error)
      if (isStrange) this.#fail(`it is no ZooKeeper server, or one that expects TLS: ${why}`)
      else this.#fail(isTooLong ? `${why}: ${tooLongAdvice}` : why)
    }
  }

  #take(frame: Buffer): void {
    if (this.#phase === 'open') return this.#events.frame(frame)
    if (this.#phase === 'login') return this.#takeLogin(frame)
    const granted = readConnectReply(frame)
    if (granted.timeoutMs <= 0) return this.#refuse('expired')
    this.#granted = granted
    this.#frames.maxBytes = maxFrameBytes
    this.#login = this.#options.login?.()
    if (!this.#login) return this.#opened(granted)
    this.#phase = 'login'
    this.send(this.#login.first.frame)
  }

  #takeLogin(frame: Buffer): void {
    const reader = new RecordReader(frame)
    const { xid, code } = readHeader(reader)
    const [login, granted] = [this.#login, this.#granted]
    if (xid !== xids.auth || !login || !granted) return
    const step = login.next(code, reader)
    if (step === 'done') this.#opened(granted)
    else if (typeof step === 'string') this.#refuse(step)
    else this.send(step.frame)
  }

  #opened(granted: Granted): void {
    this.#phase = 'open'
    this.#patience.cancel()
    this.#events.opened(granted)
  }

  #refuse(why: Refusal): void {
    this.close()
    this.#events.refused(why)
  }

  #tooLate(): void {
    const { patienceMs } = this.#options
    const did = this.#resolved ? 'no connection' : 'its name is not resolved'
    const why = this.#accepted ? 'it accepts and does not answer' : did
    this.#fail(`${why} within ${Math.round(patienceMs)} ms`, true)
  }

  #fail(why: string, isSilent = false): void {
    if (this.#phase === 'closed') return
    this.close()
    this.#events.failed({ why, isSilent })
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
