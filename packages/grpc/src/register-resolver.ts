import { createRequire } from 'node:module'
import { sep } from 'node:path'
import * as ownGrpc from '@grpc/grpc-js'
import { createPicker, type PickerOptions } from '@sd/balancer'
import { type Discovery, RegistryError, show } from '@sd/core'
import { BalancerPolicy, BalancerPolicyConfig } from './policy/balancer-policy.ts'
import { policyName } from './policy/service-update.ts'
import { authorityOf } from './resolver/authority.ts'
import { proxyWarning } from './resolver/proxy-warning.ts'
import { authorityFor, type ResolverBinding } from './resolver/resolver-binding.ts'
import { retryConfig, type RetryOptions } from './resolver/retry-options.ts'
import { ServiceResolver } from './resolver/service-resolver.ts'
import { parseServiceTarget } from './resolver/service-target.ts'

/** How the services of a registry are called. All optional. */
export interface ResolverOptions {
  /**
   * The scheme of the targets: `sd` is for `sd:///orders`. Each registry needs its own. Default
   * `sd`.
   */
  readonly scheme?: string | undefined
  /** How instances are picked and filtered. Targets can override it. */
  readonly balancer?: PickerOptions | undefined
  /**
   * Schemes of usable endpoints. Of each instance, the first of these schemes that it has is used.
   * Only the channel's credentials decide whether a connection is encrypted. Default `['grpc',
   * 'grpcs']`.
   */
  readonly schemes?: readonly string[] | undefined
  /**
   * Whether failed calls that may have reached an instance are tried on another one; `true` uses
   * the defaults of `RetryOptions`. Calls that no instance processed are always tried on another
   * one. Default `false`, as a call could run twice.
   */
  readonly retry?: boolean | RetryOptions | undefined
  /**
   * How long the first calls of a channel wait for further connections once one is ready, so that
   * the calls spread. The wait ends when all are ready or failed. 0 … 10,000. Default 100 ms.
   */
  readonly settleMs?: number | undefined
  /**
   * The name of a service in `:authority`, which its certificate must be for. Default: the
   * service's name. A target's `authority` overrides it.
   */
  readonly authority?: ((service: string) => string) | undefined
  /**
   * The copy of grpc-js that the clients use, if `node_modules` has several. Default: the copy that
   * this package resolves.
   */
  readonly grpc?: Pick<typeof ownGrpc, 'experimental'> | undefined
}

/** A registered scheme. */
export interface RegisteredResolver extends Disposable {
  readonly scheme: string
  /**
   * Unregisters the scheme for channels made later. Existing channels keep working. Does not close
   * the registry.
   */
  close(): void
}

interface Registered {
  binding: ResolverBinding | undefined
}

const grpcEntry = ['', '@grpc', 'grpc-js', 'build', 'src', 'index.js'].join(sep)

/**
 * The files of all copies of grpc-js that this process has loaded so far. They are CommonJS
 * modules, which Node keeps in one cache, however they were imported.
 */
const loadedGrpcCopies = (): readonly string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((file) => file.endsWith(grpcEntry))

/** By copy of grpc-js and scheme, as grpc-js cannot unregister a resolver. */
const registered = new WeakMap<object, Map<string, Registered>>()

const known: Readonly<Record<keyof ResolverOptions, true>> = {
  scheme: true,
  balancer: true,
  schemes: true,
  retry: true,
  settleMs: true,
  authority: true,
  grpc: true,
}

const refuse = (message: string): never => {
  throw new RegistryError('invalid-config', {
    backend: 'grpc',
    operation: 'register resolver',
    message,
  })
}

const schemeShape = /^[a-z][a-z0-9+.-]*$/
/** The schemes that grpc-js resolves itself. */
const taken: ReadonlySet<string> = new Set(['dns', 'ipv4', 'ipv6', 'unix', 'xds'])

const readScheme = (scheme: string): string => {
  if (!schemeShape.test(scheme))
    refuse(`scheme is ${show(scheme)}; expected lower-case letters, digits, + . -, like sd`)
  if (taken.has(scheme)) refuse(`scheme is ${show(scheme)}, which grpc-js resolves itself`)
  return scheme
}

const readBinding = (discovery: Discovery, options: ResolverOptions): ResolverBinding => {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name))
      refuse(`option ${show(name)} is unknown; expected ${Object.keys(known).join(', ')}`)
  const { balancer = {}, schemes = ['grpc', 'grpcs'], settleMs = 100, retry = false } = options
  // checks the options now instead of at the first call
  createPicker(balancer).close()
  retryConfig(retry)
  if (!Array.isArray(schemes) || schemes.length === 0 || !schemes.every((s) => schemeShape.test(s)))
    refuse(`schemes is ${show(schemes)}; expected one or more, like ['grpc', 'grpcs']`)
  if (typeof settleMs !== 'number' || !(settleMs >= 0 && settleMs <= 10_000))
    refuse(`settleMs is ${show(settleMs)}; expected 0 to 10000`)
  return { discovery, picker: balancer, schemes, settleMs, retry, authority: options.authority }
}

const install = (
  { registerResolver: register, registerLoadBalancerType }: typeof ownGrpc.experimental,
  scheme: string,
  slot: Registered,
): void => {
  class SchemeResolver extends ServiceResolver {
    constructor(
      ...[uri, listener, channelOptions]: ConstructorParameters<Parameters<typeof register>[1]>
    ) {
      super(uri, listener, channelOptions, slot.binding)
    }
    static getDefaultAuthority(uri: ownGrpc.experimental.GrpcUri): string {
      try {
        const target = parseServiceTarget(ownGrpc.experimental.uriToString(uri))
        return authorityFor(target, slot.binding)
      } catch {
        // the calls fail with the reason
        return authorityOf('')
      }
    }
  }
  register(scheme, SchemeResolver)
  registerLoadBalancerType(policyName, BalancerPolicy, BalancerPolicyConfig)
}

const warnOfCopies = (): void => {
  const copies = loadedGrpcCopies()
  if (copies.length < 2) return
  process.emitWarning(
    `this process has loaded ${copies.length} copies of @grpc/grpc-js, and a resolver is registered in only one of them. ` +
      'A client of another one fails with "Failed to parse DNS address". Deduplicate them (npm dedupe), or pass ' +
      `the one that the clients use: registerResolver(registry, { grpc }). Copies: ${copies.join(', ')}`,
    { code: 'SD_GRPC_COPIES' },
  )
}

/**
 * Registers a resolver for targets such as `sd:///orders`, for all channels that this process makes
 * later: `new Client('sd:///orders?version=^1&zone=eu-1a', credentials)`. A second registry needs
 * another scheme.
 * @throws RegistryError `invalid-config` naming the option; `conflict` when the scheme is
 * registered already
 */
export const registerResolver = (
  discovery: Discovery,
  options: ResolverOptions = {},
): RegisteredResolver => {
  const scheme = readScheme(options.scheme ?? 'sd')
  const binding = readBinding(discovery, options)
  const { experimental } = options.grpc ?? ownGrpc
  if (typeof experimental?.statusOrFromValue !== 'function')
    refuse('the copy of @grpc/grpc-js is too old; expected 1.14.7 or later')
  const schemes = registered.get(experimental) ?? new Map<string, Registered>()
  registered.set(experimental, schemes)
  const slot = schemes.get(scheme) ?? { binding: undefined }
  if (slot.binding !== undefined)
    throw new RegistryError('conflict', {
      backend: 'grpc',
      operation: 'register resolver',
      message: `${scheme}:/// is already registered for another registry; close that one, or give this one another scheme`,
    })
  slot.binding = binding
  if (!schemes.has(scheme)) install(experimental, scheme, slot)
  schemes.set(scheme, slot)
  if (options.grpc === undefined) warnOfCopies()
  const proxied = proxyWarning(scheme, process.env)
  if (proxied !== undefined) process.emitWarning(proxied, { code: 'SD_GRPC_PROXY' })
  const close = (): void => {
    if (slot.binding === binding) slot.binding = undefined
  }
  return { scheme, close, [Symbol.dispose]: close }
}
