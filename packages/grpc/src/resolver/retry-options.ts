import { type MethodConfig, type ServiceConfig, status } from '@grpc/grpc-js'
import { RegistryError, show } from '@sd/core'

/** When a call that may have reached an instance is tried on another one. All optional. */
export interface RetryOptions {
  /** The number of attempts, including the first: 2 to 5, which is grpc-js's limit. Default 3. */
  readonly maxAttempts?: number | undefined
  /** The wait before the second attempt, ± 20 %. Default 20 ms. */
  readonly initialBackoffMs?: number | undefined
  /** The longest wait. Each wait is twice the previous one. Default 1,000 ms. */
  readonly maxBackoffMs?: number | undefined
  /** Statuses after which a call is repeated. Default: UNAVAILABLE only. */
  readonly statuses?: readonly (keyof typeof status)[] | undefined
  /**
   * Services (`orders.v1.Orders`) and methods (`orders.v1.Orders/Get`) to retry. Default: all. If
   * not all methods may run twice, name those that may.
   */
  readonly methods?: readonly string[] | undefined
}

const refuse = (field: string, value: unknown, accepted: string): never => {
  throw new RegistryError('invalid-config', {
    backend: 'grpc',
    operation: 'register resolver',
    message: `${field} is ${show(value)}; expected ${accepted}`,
  })
}

const inRange = (field: string, value: number, min: number, max: number): number =>
  typeof value === 'number' && value >= min && value <= max
    ? value
    : refuse(field, value, `a number from ${min} to ${max}`)

const nameOf = (method: string): MethodConfig['name'][number] => {
  const [, service, name] =
    /^\/?([\w.]+)(?:\/(\w+))?$/.exec(method) ??
    refuse('retry.methods', method, 'orders.v1.Orders or orders.v1.Orders/Get')
  return { service: service ?? '', ...(name === undefined ? {} : { method: name }) }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(3)}s`

/**
 * The gRPC service config for these options.
 * https://github.com/grpc/proposal/blob/master/A6-client-retries.md
 * @throws RegistryError `invalid-config`, naming the field
 */
export const retryConfig = (
  retry: boolean | RetryOptions,
): Pick<ServiceConfig, 'methodConfig' | 'retryThrottling'> => {
  if (retry === false) return { methodConfig: [] }
  const { statuses = ['UNAVAILABLE'], methods, ...rest } = retry === true ? {} : retry
  const known = Object.keys(status).filter((name) => /^[A-Z]/.test(name) && name !== 'OK')
  for (const name of statuses)
    if (!known.includes(name)) refuse('retry.statuses', name, known.join(', '))
  if (statuses.length === 0) refuse('retry.statuses', statuses, 'one or more')
  const maxAttempts = inRange('retry.maxAttempts', rest.maxAttempts ?? 3, 2, 5)
  const initialMs = inRange('retry.initialBackoffMs', rest.initialBackoffMs ?? 20, 1, 60_000)
  const maxMs = inRange('retry.maxBackoffMs', rest.maxBackoffMs ?? 1_000, initialMs, 600_000)
  const retryPolicy = {
    maxAttempts,
    initialBackoff: seconds(initialMs),
    maxBackoff: seconds(maxMs),
    backoffMultiplier: 2,
    retryableStatusCodes: [...statuses],
  }
  return {
    methodConfig: [{ name: methods === undefined ? [{}] : methods.map(nameOf), retryPolicy }],
    // retries stop when half of the tokens are used: a failed call costs one and a successful one
    // returns a fifth, so that in an outage retries stay below a fifth of the calls
    retryThrottling: { maxTokens: 1_000, tokenRatio: 0.2 },
  }
}
