import type { Pool } from './undici.ts'

/** One pool, and whether it is used. */
export interface PoolEntry {
  readonly pool: Pool
  /** Set by each request, taken back by the sweep. */
  used: boolean
  /** Requests that were handed over and have not ended: their owner counts them down. */
  running: number
}

/** What an endpoint says, taken apart once, and the pools to it. */
export class Endpoint {
  readonly origin: string
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string
  readonly port: number
  /** What stands before each request's path: the endpoint's own, without the slash at its end. */
  readonly prefix: string
  /** By TLS name and protocol. */
  readonly entries: Map<string, PoolEntry> = new Map()
  /** The one that was used last, and its key: nearly always the only one. */
  lastKey: string | undefined
  last: PoolEntry | undefined

  constructor(endpoint: string) {
    const { origin, protocol, hostname, port, pathname } = new URL(endpoint)
    this.origin = origin
    this.hostname = hostname.replace(/^\[|\]$/g, '')
    this.port = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
    this.prefix = pathname.replace(/\/+$/, '')
  }
}
