import { RegistryError, type RegistryErrorCode } from '@sd/core'
import type { Attempt } from './attempt.ts'
import { CallError } from './call-error.ts'
import { failureCode } from './failure.ts'
import type { ServiceRoute } from './service-route.ts'

/** The facts of a call for its errors and diagnostics. */
export interface CallFacts {
  readonly route: ServiceRoute
  readonly method: string
  readonly path: string
  /** The number of tries. */
  readonly attempts: number
  /** Whether what was sent may be sent again. */
  readonly repeatable: boolean
}

const callError = (
  call: CallFacts,
  code: RegistryErrorCode,
  attempt: Attempt | undefined,
  message: string,
  cause: unknown,
): CallError => {
  const { route, method, path, attempts } = call
  const instance = attempt?.pick.instance.id
  const endpoint = attempt?.pick.endpoint
  const where =
    attempt === undefined
      ? ''
      : `, instance ${instance} at ${endpoint}, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
  return new CallError(code, {
    service: route.service,
    instance,
    endpoint,
    attempts,
    // the query may be confidential
    message: `${method} ${path.split('?', 1)[0]}${where}: ${message}`,
    cause,
  })
}

/** The error of a call whose last try failed. */
export const attemptFailure = (call: CallFacts, attempt: Attempt, error: Error): CallError => {
  const code = failureCode(error)
  if (code === 'invalid-argument' || error instanceof RegistryError)
    return callError(call, code, attempt, error.message, error)
  const sofar = attempt.sent ? 'no response' : 'not reached'
  const stage = attempt.latencyMs === undefined ? sofar : 'the response broke off'
  const why =
    attempt.sent && !call.repeatable
      ? `; not sent again, as a ${call.method} may not be safe to repeat`
      : ''
  return callError(call, code, attempt, `${stage}: ${error.message || code}${why}`, error)
}

/** The error of a call for which no instance could be picked. */
export const pickFailure = (call: CallFacts, error: unknown): CallError => {
  if (error instanceof CallError) return error
  const known = error instanceof RegistryError
  // removes the prefix with operation and service, which the new error adds itself
  const why = known ? error.message.replace(/^\[[a-z-]+\] .*?: /, '') : String(error)
  return callError(
    call,
    known ? error.code : 'internal',
    undefined,
    `${why}${call.route.outage}`,
    error,
  )
}

/** The error of a call that took too long. */
export const callTimeout = (
  call: CallFacts,
  callMs: number,
  attempt: Attempt | undefined,
  last: Error | undefined,
): CallError =>
  callError(call, 'timeout', attempt, `no response within ${callMs} ms (timeouts.callMs)`, last)

/** The error of a try that took too long. */
export class TryTimeout extends Error {
  readonly code = 'timeout'

  constructor(tryMs: number) {
    super(`no response within ${tryMs} ms (timeouts.tryMs)`)
  }
}
