import { abortable, type Clock, type Progress } from '@sd/core/driver'
import { Pool } from 'undici'
import type { ConsulConfig } from '../config.ts'
import { consulError, Refusal, toRegistryError } from '../errors.ts'

/**
 * The connections of each pool; there is a pool for each purpose, so that none waits for another. The
 * sum stays below the 200 that an agent allows for each address (`http_max_conns_per_client`): all
 * processes of a host share them, and abandoned blocking queries keep theirs until their `wait` is
 * over. More than three writers gain nothing, as an agent writes one registration after the other. They
 * would also delay heartbeats, which queue for the same lock.
 */
const connections = { calls: 16, writes: 3, heartbeats: 8, watches: 98 } as const

/** The purpose of a connection. */
export type PoolName = keyof typeof connections

/** How many writes are in flight at once. */
export const maxWrites: number = connections.writes

/** How many checks are passed at once. */
export const maxPasses: number = connections.heartbeats

/** How many blocking queries are open at once; the other connections of their pool are for probes. */
export const maxBlockingQueries: number = connections.watches - 2

/** One request. */
export interface ConsulRequest {
  readonly pool: PoolName
  readonly method?: 'GET' | 'PUT' | 'POST'
  /** Path and query below `/v1/`. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** The attempted operation, for errors. */
  readonly operation: string
  readonly service?: string | undefined
  /** The agent answers only when something changes, so its silence says nothing. */
  readonly waits?: boolean
  /** Called for each part of the answer. */
  readonly progress?: Progress | undefined
}

/** Consul's response, of any status. */
export interface ConsulResponse {
  readonly status: number
  readonly text: string
  /** `X-Consul-Index`; 0 without that header. */
  readonly index: bigint
  /** Whether data was left out that the token may not read; old servers do not report this. */
  readonly filtered: boolean
  /** False when the server that answered knows of no leader. */
  readonly knownLeader: boolean
  /** The agent's time, from `Date`, in whole seconds; `undefined` without that header. */
  readonly agentTimeMs: number | undefined
}

const header = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): string => String(headers[name] ?? '')

/**
 * The agent's streaming backend, the default of clients since Consul 1.10, answers blocking queries of
 * health with `X-Consul-Knownleader: false` whatever the servers know (seen on 1.19.2).
 */
const knowsLeader = (headers: Parameters<typeof header>[0]): boolean =>
  header(headers, 'x-consul-knownleader') !== 'false' ||
  header(headers, 'x-consul-query-backend') === 'streaming'

const timeOf = (text: string): number | undefined => {
  const timeMs = Date.parse(text)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

const indexOf = (text: string): bigint => (/^\d{1,20}$/.test(text) ? BigInt(text) : 0n)

/** A call that its caller aborts sooner than this is no evidence about its connection. */
const silenceMs = 250

/** The connections of one purpose. */
interface Connections {
  readonly pool: Pool
  /** When anything was last received over them. */
  heardMs: number
}

/**
 * The HTTP client. Opens connections when they are needed. A call that is given up after silence
 * replaces the connections of every pool over which nothing was received since: on a path that was
 * lost, each of them would let another call time out. Calls in flight keep the old ones.
 */
export class ConsulClient {
  readonly clock: Clock
  readonly #endpoint: string
  readonly #current = new Map<PoolName, Connections>()
  /** All pools that are not closed yet, also replaced ones. */
  readonly #pools = new Set<Pool>()
  readonly #poolOf: (name: PoolName) => Pool
  readonly #headers: Readonly<Record<string, string>>
  readonly #token: string | undefined
  /** Of connections that were replaced since. */
  #lastSeen: string | undefined
  readonly #closed = new AbortController()

  constructor({ endpoint, tls, token }: ConsulConfig, clock: Clock) {
    this.#endpoint = endpoint
    const unix = endpoint.startsWith('unix:')
    const connect = {
      // uses undici's own timers: core's deadlines are shorter, but end only the waiting
      timeout: 5000,
      ...(unix ? { socketPath: endpoint.slice('unix://'.length) } : {}),
      ...(tls?.ca ? { ca: Buffer.from(tls.ca as Uint8Array) } : {}),
      ...(tls?.cert ? { cert: Buffer.from(tls.cert as Uint8Array) } : {}),
      ...(tls?.key ? { key: Buffer.from(tls.key as Uint8Array) } : {}),
    }
    this.#poolOf = (name) =>
      new Pool(unix ? 'http://localhost' : endpoint, {
        connections: connections[name],
        pipelining: 1,
        allowH2: false,
        headersTimeout: 0,
        bodyTimeout: 0,
        connect,
      })
    this.clock = clock
    this.#token = token
    this.#headers = token === undefined ? {} : { 'x-consul-token': token }
  }

  /** What the connections last saw of the agent, for messages; `undefined` without any. */
  get lastSeen(): string | undefined {
    const all = [...this.#current.values()]
    if (all.length === 0) return this.#lastSeen
    const heardMs = Math.max(...all.map((each) => each.heardMs))
    if (!all.some(({ pool }) => pool.stats.connected > 0))
      return `no connection to ${this.#endpoint}`
    return Number.isFinite(heardMs)
      ? `${this.#endpoint} is connected, and last answered ${Math.round(this.clock.monotonicMs() - heardMs)} ms ago`
      : `${this.#endpoint} accepted a connection, and has not answered`
  }

  /** Consul's response, of any status. Throws `RegistryError` when there is none, or `signal.reason`. */
  async ask(query: ConsulRequest, signal: AbortSignal): Promise<ConsulResponse> {
    signal.throwIfAborted()
    this.#throwIfClosed(query)
    const giveUp = query.waits ? () => {} : this.awaitAnswer(query.pool)
    try {
      return await abortable(this.#send(query, signal), signal)
    } catch (cause) {
      if (signal.aborted) {
        giveUp()
        throw signal.reason
      }
      this.#throwIfClosed(query)
      throw toRegistryError(cause, query.operation, query.service)
    }
  }

  /** The same, but throws for every status but 200. */
  async read(query: ConsulRequest, signal: AbortSignal): Promise<ConsulResponse> {
    return this.accept(query, await this.ask(query, signal))
  }

  /** Returns `answer` if its status is 200; throws otherwise. */
  accept({ operation, service }: ConsulRequest, answer: ConsulResponse): ConsulResponse {
    if (answer.status === 200) return answer
    throw toRegistryError(new Refusal(answer.status, answer.text), operation, service)
  }

  /**
   * Returns what to call when a request that is sent now over a pool is given up: replaces the silent
   * connections, if nothing was received over that pool for long enough.
   */
  awaitAnswer(name: PoolName): () => void {
    const asked = this.#connections(name)
    const sentMs = this.clock.monotonicMs()
    return () => {
      if (asked.heardMs > sentMs || this.clock.monotonicMs() - sentMs < silenceMs) return
      this.#lastSeen = this.lastSeen
      for (const [each, { pool, heardMs }] of this.#current)
        if (heardMs <= sentMs) {
          this.#current.delete(each)
          // waits for the calls in flight
          pool.close().then(
            () => this.#pools.delete(pool),
            () => this.#pools.delete(pool),
          )
        }
    }
  }

  /** Ends every call with `closed`. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all([...this.#pools].map((pool) => pool.destroy()))
  }

  #connections(name: PoolName): Connections {
    const known = this.#current.get(name)
    if (known) return known
    const created = { pool: this.#poolOf(name), heardMs: Number.NEGATIVE_INFINITY }
    this.#current.set(name, created)
    this.#pools.add(created.pool)
    return created
  }

  #throwIfClosed({ operation, service }: ConsulRequest): void {
    if (this.#closed.signal.aborted)
      throw consulError('closed', operation, 'the driver is closed', service)
  }

  async #send(
    { pool, method, path, body, progress }: ConsulRequest,
    signal: AbortSignal,
  ): Promise<ConsulResponse> {
    const used = this.#connections(pool)
    const response = await used.pool.request({
      method: method ?? 'GET',
      path: `/v1/${path}`,
      headers: this.#headers,
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const heard = (): void => {
      used.heardMs = this.clock.monotonicMs()
      progress?.()
    }
    heard()
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) {
      heard()
      chunks.push(chunk as Uint8Array)
    }
    const text = Buffer.concat(chunks).toString()
    const { statusCode: status, headers } = response
    return {
      status,
      // no server is known to echo the token; if one does, the token must not get into an error
      text: status === 200 || !this.#token ? text : text.replaceAll(this.#token, '<hidden>'),
      index: indexOf(header(headers, 'x-consul-index')),
      filtered: header(headers, 'x-consul-results-filtered-by-acls') === 'true',
      knownLeader: knowsLeader(headers),
      agentTimeMs: timeOf(header(headers, 'date')),
    }
  }
}
