import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { InstanceChange } from '@sd/core'
import { Endpoint, type PoolEntry } from './endpoint.ts'
import { EndpointCount } from './endpoint-count.ts'
import type { Connections } from './service-route.ts'
import { buildConnector, Pool } from './undici.ts'

/** Receives the events of a service's pools. */
export type PoolEvents = (pool: Pool) => void

/**
 * The pools of one service: one for each endpoint, TLS name and protocol, as a connection shared by
 * two TLS names would be made again on each switch between them. When an instance leaves, its pool
 * finishes its requests and closes. Upgraded connections stay open until they are destroyed with
 * the rest.
 */
export class InstancePools implements Connections {
  readonly #options: Pool.Options
  readonly #onPool: PoolEvents
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #count = new EndpointCount()
  readonly #closing = new Map<Pool, Promise<void>>()
  readonly #upgraded = new Set<Duplex>()

  constructor(options: Pool.Options, onPool: PoolEvents) {
    this.#options = options
    this.#onPool = onPool
  }

  /** How many pools are open or closing. */
  get size(): number {
    let size = this.#closing.size
    for (const { entries } of this.#endpoints.values()) size += entries.size
    return size
  }

  /** How many upgraded connections are open. */
  get upgradedSize(): number {
    return this.#upgraded.size
  }

  endpoint(text: string): Endpoint {
    let endpoint = this.#endpoints.get(text)
    if (endpoint === undefined) {
      endpoint = new Endpoint(text)
      this.#endpoints.set(text, endpoint)
    }
    return endpoint
  }

  /**
   * The pool for requests with a TLS name. `http1`: no HTTP/2, for callers that do not support it.
   */
  lease(endpoint: Endpoint, tlsName: string, http1: boolean): PoolEntry {
    const key = http1 ? `${tlsName}#http1` : tlsName
    let entry = endpoint.last
    if (entry === undefined || endpoint.lastKey !== key) {
      entry = endpoint.entries.get(key) ?? this.#open(endpoint, key, tlsName, http1)
      endpoint.lastKey = key
      endpoint.last = entry
    }
    entry.used = true
    entry.running += 1
    return entry
  }

  /** Tracks an upgraded connection until it closes. */
  upgraded(socket: Duplex, onClose: () => void): void {
    this.#upgraded.add(socket)
    socket.once('close', () => {
      this.#upgraded.delete(socket)
      onClose()
    })
  }

  apply(changes: readonly InstanceChange[]): void {
    this.#count.apply(changes, (endpoint) => this.#leave(endpoint))
  }

  sweep(): void {
    for (const endpoint of this.#endpoints.values())
      for (const [key, entry] of endpoint.entries) {
        if (entry.used || entry.running > 0) {
          entry.used = false
          continue
        }
        endpoint.entries.delete(key)
        endpoint.last = endpoint.lastKey = undefined
        this.#retire(entry.pool)
      }
  }

  async close(): Promise<void> {
    for (const text of this.#endpoints.keys()) this.#leave(text)
    await Promise.all(this.#closing.values())
  }

  async destroy(reason: Error): Promise<void> {
    const pools = [...this.#closing.keys()]
    for (const { entries } of this.#endpoints.values())
      for (const { pool } of entries.values()) pools.push(pool)
    this.#endpoints.clear()
    for (const socket of this.#upgraded) socket.destroy(reason)
    await Promise.all(pools.map((pool) => pool.destroy(reason)))
  }

  #leave(text: string): void {
    const endpoint = this.#endpoints.get(text)
    if (endpoint === undefined) return
    this.#endpoints.delete(text)
    for (const { pool } of endpoint.entries.values()) this.#retire(pool)
  }

  #open(endpoint: Endpoint, key: string, tlsName: string, http1: boolean): PoolEntry {
    const pool = new Pool(endpoint.origin, this.#optionsFor(tlsName, http1))
    this.#onPool(pool)
    const entry = { pool, used: true, running: 0 }
    endpoint.entries.set(key, entry)
    return entry
  }

  #optionsFor(tlsName: string, http1: boolean): Pool.Options {
    const options = http1 ? { ...this.#options, allowH2: false } : this.#options
    const { connect, connectTimeout, allowH2, maxCachedSessions } = options
    if (isIP(tlsName) === 0 || typeof connect === 'function') return options
    // SNI has no addresses (RFC 6066, 3): without a name Node checks the address it connects to
    const connector = buildConnector({
      ...(maxCachedSessions === undefined ? {} : { maxCachedSessions }),
      timeout: connectTimeout ?? 0,
      ...(allowH2 === undefined ? {} : { allowH2 }),
      ...connect,
    })
    return {
      ...options,
      connect: (given, callback) => connector({ ...given, servername: '' }, callback),
    }
  }

  #retire(pool: Pool): void {
    const closed = pool.close().finally(() => this.#closing.delete(pool))
    // `close` rejects if the pool is destroyed meanwhile; the pool is closed in any case
    this.#closing.set(
      pool,
      closed.catch(() => {}),
    )
  }
}
