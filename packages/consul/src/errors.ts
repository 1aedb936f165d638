import {
  type DriverErrors,
  driverErrors,
  messageOf,
  type RegistryErrorCode,
  tlsRefusal,
} from '@sd/core/driver'

/** The backend's name in every error and in the driver. */
export const backend = 'consul'

/** Consul's answer with a status other than 200. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number

  constructor(status: number, text: string) {
    super(`HTTP ${status}: ${text.trim().slice(0, 300) || 'without an explanation'}`)
    this.status = status
  }
}

const ofStatus = (status: number): RegistryErrorCode => {
  if (status === 401 || status === 403) return 'permission-denied'
  if (status === 429 || status >= 500) return 'unavailable'
  return status >= 400 ? 'invalid-argument' : 'internal'
}

/** Node's and undici's codes when no HTTP server was reached. */
const unreachable =
  /^(?:E(?:CONN|HOST|NET|PIPE|ADDR|TIMEDOUT|NOENT|NOTFOUND|AI_AGAIN|MFILE|PROTO)|UND_ERR_|HPE_|ERR_(?:SSL|TLS|OSSL)|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|HOSTNAME_MISMATCH)/

const codeOf = (cause: unknown): string => {
  const code = (cause as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** Whether the request certainly never reached the agent. */
export const wasNeverSent = (cause: unknown): boolean =>
  /^(?:ECONNREFUSED|ENOENT|ENOTFOUND|EACCES|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(
    codeOf(cause),
  )

const advice: Readonly<Partial<Record<RegistryErrorCode, string>>> = {
  'permission-denied': '; give the token a policy that allows it',
  unavailable: '; is the agent at the endpoint running, and does the cluster have a leader?',
}

const errors: DriverErrors = driverErrors(backend, (cause) => {
  const refusal = cause instanceof Refusal ? undefined : tlsRefusal(messageOf(cause))
  if (refusal) return { code: refusal.code, message: `${messageOf(cause)}${refusal.advice}` }
  let code: RegistryErrorCode = 'internal'
  const failure = cause instanceof Error ? codeOf(cause) : ''
  if (cause instanceof Refusal) code = ofStatus(cause.status)
  else if (/^UND_ERR_(?:DESTROYED|CLOSED)$/.test(failure)) code = 'closed'
  else if (failure === 'EACCES') code = 'permission-denied'
  // undici's parser gives its errors no code
  else if (unreachable.test(failure) || (cause as Error | undefined)?.name === 'HTTPParserError')
    code = 'unavailable'
  return { code, message: `${messageOf(cause) || failure}${advice[code] ?? ''}` }
})

/** Creates an error that this driver itself raises. */
export const consulError: DriverErrors['error'] = errors.error

/** Converts an error of a client call into a `RegistryError`; returns a `RegistryError` unchanged. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
