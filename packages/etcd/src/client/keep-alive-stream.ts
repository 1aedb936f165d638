import { abortable, type RegistryError } from '@sd/core/driver'
import { etcdError, isStaleToken, leaseGone } from '../errors.ts'
import type { LeaseKeepAliveResponse, LeaseRequest } from './codec/messages.ts'
import type { StreamEvents } from './etcd-client.ts'
import type { EtcdConnection, ConnectionStream } from './etcd-connection.ts'
import * as methods from './methods.ts'

interface Beat {
  resolve(ttlSeconds: bigint): void
  reject(error: RegistryError): void
}

interface Attached
  extends ConnectionStream<LeaseRequest>, StreamEvents<LeaseKeepAliveResponse, RegistryError> {
  readonly beats: Beat[]
}

const closed = (): RegistryError => etcdError('closed', 'renew', 'the session was closed')

/**
 * Sends one lease's heartbeats over one stream. The first beat opens the stream, and the first beat
 * after a failure opens another one. The server answers beats in the order they were sent.
 */
export class KeepAliveStream {
  readonly #connection: EtcdConnection
  readonly #leaseId: string
  #current: Attached | undefined
  #opening: Promise<Attached> | undefined
  #closed = false

  constructor(connection: EtcdConnection, leaseId: string) {
    this.#connection = connection
    this.#leaseId = leaseId
  }

  /** Sends one beat. Throws `session-lost` if the lease no longer exists. */
  async renew(signal: AbortSignal): Promise<void> {
    const ttlSeconds = await this.#abortableBeat(signal)
    // LeaseKeepAliveResponse in etcd's rpc.proto: 0 or less when the lease is not found
    if (ttlSeconds <= 0n) throw leaseGone('renew')
  }

  /** Ends the stream. */
  close(): void {
    this.#closed = true
    this.#end(closed())
  }

  async #abortableBeat(signal: AbortSignal): Promise<bigint> {
    signal.throwIfAborted()
    if (this.#closed) throw closed()
    const client = this.#current?.client ?? this.#connection.client('renew')
    const silent = this.#connection.silence(client)
    try {
      return await abortable(this.#beatWithToken(signal), signal)
    } catch (error) {
      if (signal.aborted && silent()) {
        if (this.#current?.client === client)
          this.#end(etcdError('unavailable', 'renew', 'the server did not answer'))
        this.#connection.suspect(client)
      }
      throw error
    }
  }

  /**
   * Replaces an expired token once: etcd 3.6.9 and 3.7.3 check it on each beat (`checkLeaseRenew`).
   */
  async #beatWithToken(signal: AbortSignal): Promise<bigint> {
    try {
      return await this.#beat()
    } catch (error) {
      if (!isStaleToken(error)) throw error
      signal.throwIfAborted()
      return this.#beat()
    }
  }

  async #beat(): Promise<bigint> {
    const attached = this.#current ?? (await this.#open())
    // the stream may have ended meanwhile; a write to it would never be answered
    if (this.#current !== attached)
      throw etcdError('unavailable', 'renew', 'the keep-alive stream ended while it was opened')
    return new Promise((resolve, reject) => {
      attached.beats.push({ resolve, reject })
      attached.stream.send({ ID: this.#leaseId })
    })
  }

  #open(): Promise<Attached> {
    this.#opening ??= this.#start().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #start(): Promise<Attached> {
    const attached = await this.#connection.open('renew', methods.leaseKeepAlive, (opened) => {
      const stream: Attached = {
        ...opened,
        beats: [],
        message: ({ TTL }) => stream.beats.shift()?.resolve(BigInt(TTL)),
        ended: (error) => {
          if (this.#current === stream) this.#end(error)
        },
      }
      return (this.#current = stream)
    })
    if (this.#closed) {
      this.#end(closed())
      throw closed()
    }
    return attached
  }

  #end(error: RegistryError): void {
    const attached = this.#current
    if (attached === undefined) return
    this.#current = undefined
    attached.stream.cancel()
    for (const beat of attached.beats.splice(0)) beat.reject(error)
  }
}
