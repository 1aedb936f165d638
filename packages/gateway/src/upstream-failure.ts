import { RegistryError } from '@sd/core'
import { CallError } from '@sd/undici'
import { type Refusal, type RefusalReason, refusal } from './problem.ts'

const reasonsByCode: Readonly<Partial<Record<string, RefusalReason>>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ETIMEDOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'response-timeout',
  timeout: 'response-timeout',
  ECONNREFUSED: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  UND_ERR_INVALID_ARG: 'bad-request',
  UND_ERR_NOT_SUPPORTED: 'bad-request',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'bad-request',
  UND_ERR_HEADERS_OVERFLOW: 'bad-response',
  HTTPParserError: 'bad-response',
}

// Node's and OpenSSL's codes for handshakes and certificates (https://nodejs.org/api/tls.html#x509-certificate-error-codes)
const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_MISMATCH)/

const details: Readonly<Partial<Record<RefusalReason, string>>> = {
  'no-instance': 'no instance of the service can take the request',
  'registry-unreachable': 'the registry has not yet answered for the service',
  closing: 'the gateway no longer forwards to the service',
  unreachable: 'no instance of the service could be reached',
  'connection-lost': 'the connection to the instance broke before its response',
  'bad-response': 'the instance did not send a valid HTTP response',
  'tls-failed': 'TLS with the instance failed',
  'connect-timeout': 'no instance of the service accepted a connection in time',
  'response-timeout': 'the service did not respond in time',
  'bad-request': 'the request cannot be forwarded',
}

/** The codes of an error and its causes. undici's parser errors have no code, only a name. */
const codesOf = (error: unknown): readonly string[] => {
  const codes: string[] = []
  let next: unknown = error
  // the causes of one of our own errors, which might be cyclic
  for (let depth = 0; depth < 8 && next instanceof Error; depth += 1) {
    if ('code' in next && typeof next.code === 'string') codes.push(next.code)
    else if (next.name === 'HTTPParserError') codes.push(next.name)
    next = next.cause ?? (next instanceof AggregateError ? next.errors[0] : undefined)
  }
  return codes
}

const reasonOf = (error: unknown, heard: boolean): RefusalReason => {
  const codes = codesOf(error)
  for (const code of codes) {
    const known = reasonsByCode[code]
    if (known !== undefined) return known
    if (code.startsWith('HPE_')) return 'bad-response'
    if (tlsCode.test(code)) return 'tls-failed'
  }
  if (codes.includes('closed')) return 'closing'
  // of the dispatcher or of the balancer
  if (error instanceof CallError ? error.attempts === 0 : error instanceof RegistryError)
    return heard ? 'no-instance' : 'registry-unreachable'
  return 'connection-lost'
}

/**
 * What a client is told about a request that could not be forwarded. `heard`: whether the registry
 * has reported the service.
 */
export const upstreamFailure = (error: unknown, service: string, heard: boolean): Refusal => {
  const reason = reasonOf(error, heard)
  return refusal(reason, details[reason] ?? reason, service, error)
}
