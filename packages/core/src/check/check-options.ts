import { RegistryError, show } from '../registry-error.ts'
import { maxTimerMs } from '../runtime/timing.ts'
import { grpcCheck } from './grpc-check.ts'
import { httpCheck } from './http-check.ts'
import { tcpCheck } from './tcp-check.ts'

/**
 * Finds out whether an instance works. A function fails by throwing, by rejecting, by returning `false`,
 * or by not settling before its signal aborts. The others fail when no answer arrives, and:
 *
 * - `{ http: 'http://127.0.0.1:8080/healthz' }` unless a GET is answered with 2xx, without redirects
 * - `{ tcp: '127.0.0.1:5432' }` unless a connection is accepted
 * - `{ grpc: '127.0.0.1:9090', service: 'orders.v1.Orders' }` unless `grpc.health.v1.Health/Check` answers
 *   SERVING; without `service` for the server as a whole. `grpcs://host:port` uses TLS.
 */
export type HealthCheck =
  | ((signal: AbortSignal) => unknown)
  | { readonly http: string }
  | { readonly tcp: string }
  | { readonly grpc: string; readonly service?: string | undefined }

/** A health check of a registration, and how often it runs. */
export interface CheckOptions {
  /**
   * Runs in the owner's process for as long as the instance is registered, never twice at the same
   * time, and decides between `passing` and `failing`. The first run decides the health with which the
   * instance is registered; later, only changes of the health are written.
   */
  readonly check?: HealthCheck | undefined
  /** From the begin of one run to the begin of the next, up to a tenth less. Default 5,000 ms. */
  readonly intervalMs?: number | undefined
  /** A longer run has failed. At most `intervalMs`. Default 1,000 ms, or `intervalMs` if it is less. */
  readonly timeoutMs?: number | undefined
  /** How many runs in a row must fail before the instance is `failing`. Default 3. */
  readonly failuresBeforeFailing?: number | undefined
  /** How many runs in a row must succeed before it is `passing` again. Default 1. */
  readonly successesBeforePassing?: number | undefined
}

/** `CheckOptions`, validated, with every default filled in. */
export interface ResolvedCheck {
  readonly run: (signal: AbortSignal) => unknown
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly failuresBeforeFailing: number
  readonly successesBeforePassing: number
}

const fail = (message: string): never => {
  throw new RegistryError('invalid-argument', { backend: 'core', operation: 'register', message })
}

const accepted =
  'a function, { http: "http://host:port/path" }, { tcp: "host:port" } or { grpc: "host:port" }'

/** The URL of `text`; a bare `host:port` gets the scheme `scheme`. */
const readTarget = (kind: string, text: unknown, schemes: readonly string[]): URL => {
  const shape = kind === 'http' ? 'a URL like http://127.0.0.1:8080/healthz' : 'host:port'
  const refuse = (): never => fail(`check.${kind} is ${show(text)}; expected ${shape}`)
  if (typeof text !== 'string' || text === '') return refuse()
  const full = text.includes('://') || kind === 'http' ? text : `${kind}://${text}`
  if (!URL.canParse(full)) return refuse()
  const url = new URL(full)
  if (!schemes.includes(url.protocol) || url.hostname === '') return refuse()
  return kind !== 'http' && url.port === '' ? refuse() : url
}

const readCheck = (check: HealthCheck): ResolvedCheck['run'] => {
  if (typeof check === 'function') return check
  if (typeof check !== 'object' || check === null)
    return fail(`check is ${show(check)}; expected ${accepted}`)
  const [kind, ...others] = Object.keys(check).filter((key) => key !== 'service')
  const { service = '' } = check as { readonly service?: unknown }
  if (others.length > 0 || typeof service !== 'string' || ('service' in check && kind !== 'grpc'))
    return fail(`check has the fields ${Object.keys(check).join(', ')}; expected ${accepted}`)
  if ('http' in check) return httpCheck(readTarget('http', check.http, ['http:', 'https:']))
  if ('tcp' in check) return tcpCheck(readTarget('tcp', check.tcp, ['tcp:']))
  if ('grpc' in check)
    return grpcCheck(readTarget('grpc', check.grpc, ['grpc:', 'grpcs:']), service)
  return fail(`check has the fields ${Object.keys(check).join(', ')}; expected ${accepted}`)
}

/**
 * Runs a health check once: resolves if it passes, and rejects with the reason if it does not.
 * @throws RegistryError `invalid-argument` for a check that is none
 */
export const runCheck = async (check: HealthCheck, signal: AbortSignal): Promise<void> => {
  const result = await readCheck(check)(signal)
  if (result === false) throw new Error('it returned false')
}

const readNumber = (
  options: CheckOptions,
  field: 'intervalMs' | 'timeoutMs' | 'failuresBeforeFailing' | 'successesBeforePassing',
  fallback: number,
  max: number,
): number => {
  const value = options[field]
  if (value === undefined) return fallback
  const whole = field === 'intervalMs' || field === 'timeoutMs' || Number.isInteger(value)
  if (typeof value !== 'number' || !(value >= 1 && value <= max) || !whole)
    return fail(`${field} is ${show(value)}; expected a number from 1 to ${max}`)
  return value
}

/**
 * Validates the options of a check; `undefined` if there is no check.
 * @throws RegistryError `invalid-argument`, naming the field
 */
export const resolveCheck = (options: CheckOptions): ResolvedCheck | undefined => {
  if (options.check === undefined) {
    const given = Object.entries(options).find(([, value]) => value !== undefined)
    return given === undefined ? undefined : fail(`${given[0]} is set without a check`)
  }
  const run = readCheck(options.check)
  const intervalMs = readNumber(options, 'intervalMs', 5_000, maxTimerMs)
  return {
    run,
    intervalMs,
    timeoutMs: readNumber(options, 'timeoutMs', Math.min(1_000, intervalMs), intervalMs),
    failuresBeforeFailing: readNumber(options, 'failuresBeforeFailing', 3, 1_000),
    successesBeforePassing: readNumber(options, 'successesBeforePassing', 1, 1_000),
  }
}
