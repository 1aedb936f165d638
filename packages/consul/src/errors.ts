import { type DriverErrors, driverErrors, messageOf, type RegistryErrorCode } from '@sd/core/driver'

/** The name that every error and the driver bear. */
export const backend = 'consul'

/** What Consul answered instead of what was asked for. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number

  constructor(status: number, text: string) {
    super(`HTTP ${status}: ${text.trim().slice(0, 300) || 'no explanation'}`)
    this.status = status
  }
}

const ofStatus = (status: number): RegistryErrorCode => {
  if (status === 401 || status === 403) return 'permission-denied'
  if (status === 429 || status >= 500) return 'unavailable'
  return status >= 400 ? 'invalid-argument' : 'internal'
}

/** Node's and undici's codes where no HTTP server was reached. */
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
  unavailable: '; is the agent at the endpoint running, and has the cluster a leader?',
}

const errors: DriverErrors = driverErrors(backend, (cause) => {
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

/** An error that this driver raises by itself. */
export const consulError: DriverErrors['error'] = errors.error

/** Turns whatever a call of the client threw into a `RegistryError`; one of those passes unchanged. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
