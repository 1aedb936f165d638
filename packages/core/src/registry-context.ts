import type { Availability } from './runtime/availability.ts'
import { callSubject } from './driver/call-context.ts'
import type { Contents, Progress, RegistryDriver, Scope } from './driver/registry-driver.ts'
import { type ServiceInstance, weighInstance } from './model/service-instance.ts'
import { RegistryError } from './registry-error.ts'
import type { ResolvedOptions } from './registry-options.ts'
import { type CallSubject, sleep, withDeadline } from './runtime/abort.ts'
import { Backoff } from './runtime/backoff.ts'
import type { Publish } from './runtime/diagnostics.ts'

/** The dependencies that the roles of one registry share. */
export interface RegistryContext {
  readonly backend: string
  readonly driver: RegistryDriver
  readonly options: ResolvedOptions
  readonly publish: Publish
  readonly availability: Availability
  /** Aborts, with the `closed` error, when the registry is closed. */
  readonly closed: AbortSignal
}

/** @throws RegistryError `closed` after `close()` */
export const assertOpen = ({ backend, closed }: RegistryContext, operation: string): void => {
  if (!closed.aborted) return
  const message = 'the registry was closed; create a new one'
  throw new RegistryError('closed', { backend, operation, message })
}

/**
 * @throws RegistryError `unsupported` where the format cannot express the instance;
 * `invalid-argument` where the record is larger than the backend accepts
 */
export const assertRecordFits = (
  { backend, driver, options: { format, ttlMs } }: RegistryContext,
  operation: string,
  instance: ServiceInstance,
): void => {
  const refusal = format.refusal?.(instance)
  if (refusal !== undefined)
    throw new RegistryError('unsupported', {
      backend,
      operation,
      service: instance.service,
      message: `format "${format.name}" cannot express the instance: ${refusal}`,
    })
  const { maxRecordBytes } = driver.capabilities
  // far below the limit in any format, so the record is not encoded twice
  if (weighInstance(instance) * 24 <= maxRecordBytes) return
  const registeredAtMs = Number.MAX_SAFE_INTEGER
  const claim = { owner: ''.padEnd(16), claimedAtMs: registeredAtMs, seq: 1_000_000 }
  const request = { instance, claim, mode: 'if-newer', ttlMs, registeredAtMs } as const
  const bytes = format.encode(request).byteLength
  if (bytes <= maxRecordBytes) return
  throw new RegistryError('invalid-argument', {
    backend,
    operation,
    service: instance.service,
    message: `the record is ${bytes} bytes; expected at most ${maxRecordBytes} on this backend: shorten metadata, tags or endpoints`,
  })
}

/**
 * Runs `attempt` within `callTimeoutMs`, and repeats it after a retryable failure. Rejects with the
 * last such failure rather than with the `timeout` that ended the attempts, as it is more specific;
 * otherwise with the permanent failure, the signal's reason or `closed`.
 */
export const callWithRetries = async <T>(
  context: RegistryContext,
  subject: Omit<CallSubject, 'backend'>,
  outer: AbortSignal | undefined,
  attempt: (signal: AbortSignal, progress: Progress) => Promise<T>,
): Promise<T> => {
  const { availability, closed, options } = context
  const { clock, random, callTimeoutMs } = options
  assertOpen(context, subject.operation)
  outer?.throwIfAborted()
  const whole = callSubject(context, subject.operation, subject.service)
  const signal = outer === undefined ? closed : AbortSignal.any([closed, outer])
  const backoff = new Backoff(options.backoff, clock, random)
  let last: RegistryError | undefined
  const attempts = async (bounded: AbortSignal, wholeProgress: Progress): Promise<T> => {
    for (;;) {
      try {
        // half of the deadline, so that a member that hangs leaves time for another one
        const answer = await withDeadline(
          clock,
          callTimeoutMs / 2,
          bounded,
          whole,
          (inner, progress) =>
            attempt(inner, () => {
              progress()
              wholeProgress()
            }),
        )
        availability.answered()
        return answer
      } catch (thrown) {
        if (bounded.aborted) throw thrown
        last = RegistryError.from(thrown, whole)
        availability.failed(last)
        if (!last.retryable) throw last
        await sleep(clock, backoff.nextDelayMs(), bounded)
      }
    }
  }
  try {
    return await withDeadline(clock, callTimeoutMs, signal, whole, attempts)
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'timeout' && last !== undefined) throw last
    throw error
  }
}

/** Reads a scope with retries, and reports unreadable records. */
export const readScope = async (
  context: RegistryContext,
  scope: Scope,
  operation: string,
  outer: AbortSignal | undefined,
): Promise<Contents> => {
  const service = 'service' in scope ? scope.service : undefined
  const contents = await callWithRetries(
    context,
    { operation, service },
    outer,
    (signal, progress) => context.driver.list(scope, signal, progress),
  )
  for (const { key, reason } of contents.skipped)
    context.publish('record', 'warn', 'record-skipped', `record ${key} is skipped: ${reason}`, {
      key,
      reason,
    })
  return contents
}
