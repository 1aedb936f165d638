import { abortable, type Clock } from '@sd/core/driver'
import { Pool } from 'undici'
import type { ConsulConfig } from '../config.ts'
import { consulError, Refusal, toRegistryError } from '../errors.ts'

/**
 * Connections by purpose, so that none waits for another. Together they stay below the 200 that
 * an agent allows an address (`http_max_conns_per_client`): a local agent shares those among all
 * processes of its host, and ended blocking queries keep theirs until their `wait` is over. More
 * than three writers gain nothing, as an agent writes one registration after the other, and make
 * heartbeats wait, which queue for the same lock.
 */
const connections = { calls: 16, writes: 3, heartbeats: 8, watches: 98 } as const

/** What a connection is for. */
export type Lane = keyof typeof connections

/** How many writes are on their way at once. */
export const maxWrites: number = connections.writes

/** How many checks are passed at once. */
export const maxPasses: number = connections.heartbeats

/** How many blocking queries are open at once; the rest of their lane is for probes. */
export const maxBlockingQueries: number = connections.watches - 2

/** One request. */
export interface Question {
  readonly lane: Lane
  readonly method?: 'GET' | 'PUT' | 'POST'
  /** Path and query below `/v1/`. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** What it is asked for, in errors. */
  readonly operation: string
  readonly service?: string | undefined
}

/** What Consul answered, whatever the status. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** `X-Consul-Index`; 0 where there is none. */
  readonly index: bigint
  /** Whether a token without rights has hidden something; old servers do not say. */
  readonly filtered: boolean
  /** False when the server that answered knows of no leader. */
  readonly knownLeader: boolean
  /** The agent's time, from `Date`, which counts whole seconds; `undefined` where it does not say. */
  readonly agentTimeMs: number | undefined
}

const header = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): string => String(headers[name] ?? '')

const timeOf = (text: string): number | undefined => {
  const timeMs = Date.parse(text)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

const indexOf = (text: string): bigint => (/^\d{1,20}$/.test(text) ? BigInt(text) : 0n)

/** The one place that speaks HTTP to Consul. Makes connections when they are needed. */
export class ConsulClient {
  readonly clock: Clock
  readonly #lanes: Readonly<Record<Lane, Pool>>
  readonly #headers: Readonly<Record<string, string>>
  readonly #token: string | undefined
  readonly #closed = new AbortController()

  constructor({ endpoint, tls, token }: ConsulConfig, clock: Clock) {
    const unix = endpoint.startsWith('unix:')
    const connect = {
      // its own timers: core's deadlines are shorter, and end the waiting, not the connecting
      timeout: 5000,
      ...(unix ? { socketPath: endpoint.slice('unix://'.length) } : {}),
      ...(tls?.ca ? { ca: Buffer.from(tls.ca as Uint8Array) } : {}),
      ...(tls?.cert ? { cert: Buffer.from(tls.cert as Uint8Array) } : {}),
      ...(tls?.key ? { key: Buffer.from(tls.key as Uint8Array) } : {}),
    }
    const pool = (lane: Lane): Pool =>
      new Pool(unix ? 'http://localhost' : endpoint, {
        connections: connections[lane],
        pipelining: 1,
        allowH2: false,
        headersTimeout: 0,
        bodyTimeout: 0,
        connect,
      })
    this.clock = clock
    this.#token = token
    this.#headers = token === undefined ? {} : { 'x-consul-token': token }
    this.#lanes = {
      calls: pool('calls'),
      writes: pool('writes'),
      heartbeats: pool('heartbeats'),
      watches: pool('watches'),
    }
  }

  /** Whatever Consul answers. Throws `RegistryError` when nobody does, or `signal.reason`. */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    this.#throwIfClosed(question)
    try {
      return await abortable(this.#send(question, signal), signal)
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      this.#throwIfClosed(question)
      throw toRegistryError(cause, question.operation, question.service)
    }
  }

  /** The same, but throws for every status other than 200. */
  async read(question: Question, signal: AbortSignal): Promise<Answer> {
    return this.accept(question, await this.ask(question, signal))
  }

  /** `answer`, if its status is 200. */
  accept({ operation, service }: Question, answer: Answer): Answer {
    if (answer.status === 200) return answer
    throw toRegistryError(new Refusal(answer.status, answer.text), operation, service)
  }

  /** Ends every call with `closed`. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all(Object.values(this.#lanes).map((pool) => pool.destroy()))
  }

  #throwIfClosed({ operation, service }: Question): void {
    if (this.#closed.signal.aborted)
      throw consulError('closed', operation, 'the driver is closed', service)
  }

  async #send({ lane, method, path, body }: Question, signal: AbortSignal): Promise<Answer> {
    const response = await this.#lanes[lane].request({
      method: method ?? 'GET',
      path: `/v1/${path}`,
      headers: this.#headers,
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    const { statusCode: status, headers } = response
    return {
      status,
      // no server echoes a token; should one, it must not end up in an error
      text: status === 200 || !this.#token ? text : text.replaceAll(this.#token, '<hidden>'),
      index: indexOf(header(headers, 'x-consul-index')),
      filtered: header(headers, 'x-consul-results-filtered-by-acls') === 'true',
      knownLeader: header(headers, 'x-consul-knownleader') !== 'false',
      agentTimeMs: timeOf(header(headers, 'date')),
    }
  }
}
