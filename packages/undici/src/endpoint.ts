import type { Pool } from './undici.ts'

/** A pool and its use. */
export interface PoolEntry {
  readonly pool: Pool
  /** Set by each request, reset by the sweep. */
  used: boolean
  /** Requests in the pool that have not ended; decremented by the owner of the request. */
  running: number
}

/** A parsed endpoint, and the pools for it. */
export class Endpoint {
  readonly origin: string
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string
  readonly port: number
  /** Prepended to each request's path: the endpoint's path without a trailing slash. */
  readonly prefix: string
  /** By TLS name and protocol. */
  readonly entries: Map<string, PoolEntry> = new Map()
  /** The key of the pool that was used last. Most endpoints have only one pool. */
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
