import type { ClientSessionOptions, SecureClientSessionOptions } from 'node:http2'
import type { DescMethod } from '@bufbuild/protobuf'
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt'
import type { Transport } from '@connectrpc/connect'
import { createGrpcTransport, type Http2SessionOptions } from '@connectrpc/connect-node'
import { type PickerOptions, RetryBudget } from '@sd/balancer'
import { type Discovery, RegistryError, show } from '@sd/core'
import { authorityOf, isAuthority } from '../resolver/authority.ts'
import type { ConnectionSettings, InstanceTransportOptions } from './instance-connection.ts'

/** How `serviceTransport` finds and calls a service. */
export interface ServiceTransportOptions {
  /** The registry. Closing the transport does not close it. */
  readonly discovery: Discovery
  /** The service's name in the registry. */
  readonly service: string
  /** How instances are picked and filtered. Default: the balancer's defaults. */
  readonly balancer?: PickerOptions | undefined
  /**
   * Schemes of usable endpoints. Of each instance, the first of these schemes that it has is used.
   * `grpcs` and `https` use TLS. Default `['grpc', 'grpcs', 'https', 'http']`.
   */
  readonly schemes?: readonly string[] | undefined
  /**
   * The name in `:authority`, which a certificate must be for. Default: the service's name, with
   * hyphens for characters that a host name cannot have.
   */
  readonly authority?: string | undefined
  /**
   * Makes the transport to one instance, e.g. to set interceptors, compression or formats. Default
   * `createGrpcTransport`; for the Connect protocol: `(options) =>
   * createConnectTransport(options)`.
   */
  readonly createTransport?: ((options: InstanceTransportOptions) => Transport) | undefined
  /** Pings and the idle time of each HTTP/2 session. Default: Connect's. */
  readonly session?: Http2SessionOptions | undefined
  /** Options of `http2.connect`, e.g. `ca`. Default: Node's. */
  readonly http2?: ClientSessionOptions | SecureClientSessionOptions | undefined
  /** The request header whose value keeps calls on one instance, for strategies with a key. */
  readonly key?: string | undefined
  /**
   * How often a call that may have been processed is tried, including the first attempt; for
   * methods that may run twice. 1 … 10, default 3. An attempt that no server can have processed is
   * always repeated on another instance, and does not count.
   */
  readonly maxAttempts?: number | undefined
  /**
   * Which methods may run twice. Default: those with `option idempotency_level = NO_SIDE_EFFECTS`
   * or `IDEMPOTENT` in their definition.
   */
  readonly isIdempotent?: ((method: DescMethod) => boolean) | undefined
  /**
   * Limits such repetitions to a fraction of the calls. Default: a new one, 20 % and 10 per second.
   */
  readonly retryBudget?: RetryBudget | undefined
}

/** The options with their defaults filled in. */
export interface TransportSettings {
  readonly discovery: Discovery
  readonly service: string
  readonly balancer: PickerOptions
  readonly schemes: readonly string[]
  readonly connection: ConnectionSettings
  readonly key: string | undefined
  readonly maxAttempts: number
  readonly isIdempotent: (method: DescMethod) => boolean
  readonly retryBudget: RetryBudget
}

const known: Readonly<Record<keyof ServiceTransportOptions, true>> = {
  discovery: true,
  service: true,
  balancer: true,
  schemes: true,
  authority: true,
  createTransport: true,
  session: true,
  http2: true,
  key: true,
  maxAttempts: true,
  isIdempotent: true,
  retryBudget: true,
}

const httpSchemes: ReadonlySet<string> = new Set(['grpc', 'grpcs', 'http', 'https'])

const { IDEMPOTENT, NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel

const saysIdempotent = ({ idempotency }: DescMethod): boolean =>
  idempotency === IDEMPOTENT || idempotency === NO_SIDE_EFFECTS

/**
 * Checks the options.
 * @throws RegistryError `invalid-config`, naming the option
 */
export const readTransportOptions = (options: ServiceTransportOptions): TransportSettings => {
  const refuse = (message: string): never => {
    throw new RegistryError('invalid-config', {
      backend: 'grpc',
      operation: 'create transport',
      service: options.service,
      message,
    })
  }
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name))
      refuse(`option ${show(name)} is unknown; expected ${Object.keys(known).join(', ')}`)
  const { service, schemes = ['grpc', 'grpcs', 'https', 'http'], maxAttempts = 3 } = options
  const { authority = authorityOf(service) } = options
  if (!Array.isArray(schemes) || schemes.length === 0 || !schemes.every((s) => httpSchemes.has(s)))
    refuse(`schemes is ${show(schemes)}; expected some of ${[...httpSchemes].join(', ')}`)
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > 10)
    refuse(`maxAttempts is ${show(maxAttempts)}; expected a whole number from 1 to 10`)
  if (!isAuthority(authority))
    refuse(`authority is ${show(authority)}; expected a host, or host:port`)
  return {
    discovery: options.discovery,
    service,
    balancer: options.balancer ?? {},
    schemes,
    connection: {
      authority,
      session: options.session ?? {},
      http2: options.http2 ?? {},
      createTransport: options.createTransport ?? createGrpcTransport,
    },
    key: options.key,
    maxAttempts,
    isIdempotent: options.isIdempotent ?? saysIdempotent,
    retryBudget: options.retryBudget ?? new RetryBudget(),
  }
}
