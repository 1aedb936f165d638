import type {
  ClientHttp2Stream,
  ClientSessionOptions,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from 'node:http2'
import { isIP } from 'node:net'
import type { Transport } from '@connectrpc/connect'
import {
  type GrpcTransportOptions,
  Http2SessionManager,
  type Http2SessionOptions,
} from '@connectrpc/connect-node'
import { currentAttempt } from './call-attempt.ts'

/** What Connect requests streams from. */
type SessionManager = NonNullable<GrpcTransportOptions['sessionManager']>

/** The options of a transport to one instance, as `createGrpcTransport` accepts them. */
export interface InstanceTransportOptions {
  readonly httpVersion: '2'
  readonly baseUrl: string
  readonly sessionManager: SessionManager
}

/** The settings of connections, the same for all instances. */
export interface ConnectionSettings {
  /** The `:authority`, which the certificate must be for. */
  readonly authority: string
  readonly session: Http2SessionOptions
  readonly http2: ClientSessionOptions | SecureClientSessionOptions
  createTransport(options: InstanceTransportOptions): Transport
}

const httpScheme: Readonly<Record<string, string>> = { grpc: 'http', grpcs: 'https' }

/** `http://10.0.0.7:9090` for `grpc://10.0.0.7:9090`. */
export const httpOrigin = (endpoint: string): string => {
  const url = new URL(endpoint)
  const scheme = url.protocol.slice(0, -1)
  // gRPC's default port is 443, with TLS or without
  const host = url.port === '' && scheme === 'grpc' ? `${url.hostname}:443` : url.host
  return new URL(`${httpScheme[scheme] ?? scheme}://${host}`).origin
}

/** The name for TLS, which accepts a host name there but no port or address. */
const serverName = (origin: string, authority: string): { readonly servername?: string } => {
  const { hostname } = new URL(`https://${authority}`)
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
  return origin.startsWith('https:') && !isAddress ? { servername: hostname } : {}
}

/**
 * The connection to one instance, and the transport over it. The first call opens it. After `leave`
 * it closes with its last open stream.
 */
export class InstanceConnection implements SessionManager {
  /** The origin of the instance. Connect compares it with the transport's base URL. */
  readonly authority: string
  readonly transport: Transport
  readonly #name: string
  readonly #manager: Http2SessionManager
  #open = 0
  #left = false

  constructor(endpoint: string, settings: ConnectionSettings) {
    const baseUrl = httpOrigin(endpoint)
    this.authority = baseUrl
    this.#name = settings.authority
    const http2 = { ...serverName(baseUrl, settings.authority), ...settings.http2 }
    this.#manager = new Http2SessionManager(baseUrl, settings.session, http2)
    this.transport = settings.createTransport({ httpVersion: '2', baseUrl, sessionManager: this })
  }

  /** Streams that are open or opening. */
  get open(): number {
    return this.#open
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, 'signal'>,
  ): Promise<ClientHttp2Stream> {
    const attempt = currentAttempt.getStore()
    this.#open += 1
    try {
      const named = { ':authority': this.#name, ...headers }
      const stream = await this.#manager.request(method, path, named, options)
      attempt?.opened(stream)
      stream.once('close', () => this.#closed())
      return stream
    } catch (error) {
      attempt?.couldNotOpen()
      this.#closed()
      throw error
    }
  }

  notifyResponseByteRead(stream: ClientHttp2Stream): void {
    this.#manager.notifyResponseByteRead(stream)
  }

  /** Call when the connection gets no further calls. */
  leave(): void {
    this.#left = true
    this.#end()
  }

  #closed(): void {
    this.#open -= 1
    this.#end()
  }

  /** Runs also after a call that picked the connection before `leave`. */
  #end(): void {
    if (this.#left && this.#open === 0) this.#manager.abort()
  }
}
