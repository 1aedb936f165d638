import type { ServerCredentials } from '@grpc/grpc-js'
import { type InstanceInput, localAddress, type RegisterOptions, RegistryError } from '@sd/core'

/** How `serveRegistered` listens, registers and stops. All optional. */
export interface ServeOptions {
  /**
   * What the server listens on, in the form of `bindAsync`. Default `0.0.0.0:0`: any free port,
   * IPv4.
   */
  readonly listen?: string | undefined
  /** Default: no TLS. Decides whether the endpoint is `grpc://` or `grpcs://`. */
  readonly credentials?: ServerCredentials | undefined
  /**
   * Where clients reach this server: a host, `host:port`, or a whole `grpc://host:port`. Required
   * behind a mapped port. Default: the host of `listen` unless that is a wildcard, else
   * `localAddress()`, with the bound port.
   */
  readonly advertise?: string | undefined
  /**
   * Passed to `register`: what to do when the id is held, whether to wait, a signal for the start.
   */
  readonly register?: RegisterOptions | undefined
  /**
   * Serves `grpc.health.v1.Health` with the state of the registration, for the server as a whole,
   * for the service's name in the registry, and for the names given here (`orders.v1.Orders`).
   * `false`: the server has its own health service. Default: no further names.
   */
  readonly health?: readonly string[] | false | undefined
  /** How long `stop` waits for the registry to confirm that the instance is gone. Default 5,000 ms. */
  readonly deregisterMs?: number | undefined
  /**
   * How long the server continues to serve after it is deregistered, so that every client learns of
   * it. Default 1,000 ms: every backend informs live watchers within that time.
   */
  readonly propagationMs?: number | undefined
  /** How long calls in flight may take before they are ended with CANCELLED. Default 10,000 ms. */
  readonly drainMs?: number | undefined
}

/** The instance to register. Its endpoints are optional; the server's own comes first. */
export interface ServedInstance extends Omit<InstanceInput, 'endpoints'> {
  /** Endpoints besides the server's, e.g. of an HTTP server in the same process. */
  readonly endpoints?: readonly string[] | undefined
}

/** The wait times of a stop, with their defaults filled in. */
export interface StopTimes {
  readonly deregisterMs: number
  readonly propagationMs: number
  readonly drainMs: number
}

const known: Readonly<Record<keyof ServeOptions, true>> = {
  listen: true,
  credentials: true,
  advertise: true,
  register: true,
  health: true,
  deregisterMs: true,
  propagationMs: true,
  drainMs: true,
}

/** @internal The error of `serveRegistered` for a wrong argument. */
export const serveProblem = (service: string, message: string, cause?: unknown): RegistryError =>
  new RegistryError('invalid-argument', {
    backend: 'grpc',
    operation: 'serve',
    service,
    message,
    cause,
  })

/** @internal Checks the wait times, and that all option names are known. */
export const readStopTimes = (service: string, options: ServeOptions): StopTimes => {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name))
      throw serveProblem(
        service,
        `option ${JSON.stringify(name)} is unknown; expected ${Object.keys(known).join(', ')}`,
      )
  const read = (name: keyof StopTimes, byDefault: number): number => {
    const value = options[name] ?? byDefault
    // the limit of timers
    if (typeof value === 'number' && value >= 0 && value <= 2 ** 31 - 1) return value
    throw serveProblem(service, `${name} is ${String(value)}; expected 0 to ${2 ** 31 - 1}`)
  }
  return {
    deregisterMs: read('deregisterMs', 5_000),
    propagationMs: read('propagationMs', 1_000),
    drainMs: read('drainMs', 10_000),
  }
}

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '[::]', ''])
const withScheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//

/**
 * @internal The endpoint where clients reach the server.
 * @throws RegistryError `invalid-argument`, also when `localAddress()` finds several
 */
export const advertisedEndpoint = (
  service: string,
  { listen = '', advertise, credentials }: ServeOptions,
  port: number,
): string => {
  // oxlint-disable-next-line no-underscore-dangle -- grpc-js has no other way to tell
  const scheme = credentials?._isSecure() === true ? 'grpcs' : 'grpc'
  const host = advertise ?? hostOf(listen) ?? localAddress()
  const endpoint = withScheme.test(host)
    ? host
    : `${scheme}://${/:\d+$/.test(host.replace(/^\[[^\]]*\]/, '')) ? host : `${host}:${port}`}`
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const accepted = `a host, host:port, or ${scheme}://host:port`
  if (url === undefined || url.port === '' || url.hostname === '')
    throw serveProblem(service, `advertise is ${JSON.stringify(advertise)}; expected ${accepted}`)
  return endpoint
}

/** The host in `listen`, if clients can reach the server by it. */
const hostOf = (listen: string): string | undefined => {
  const address = listen.replace(/^(?:dns|ipv4|ipv6):(?:\/\/\/?)?/, '')
  const host = address.replace(/:\d+$/, '')
  return wildcards.has(host) || host.startsWith('unix') ? undefined : host
}
