import { callSubject } from './driver/call-context.ts'
import type { DriverSession, RemoveOutcome } from './driver/registry-driver.ts'
import type { InstanceRecord } from './model/instance-record.ts'
import { callWithRetries, type RegistryContext } from './registry-context.ts'
import { RegistryError } from './registry-error.ts'
import { withDeadline } from './runtime/abort.ts'

/** Removes the record of another owner, in a temporary session. */
export const removeRecord = async (
  context: RegistryContext,
  { claim, instance: { service, id } }: InstanceRecord,
  outer: AbortSignal | undefined,
): Promise<'removed' | 'absent' | 'not-ours'> => {
  const { backend, driver, options } = context
  const { clock, callTimeoutMs, ttlMs } = options
  const subject = { operation: 'remove-record', service }
  if (claim === undefined)
    throw new RegistryError('unsupported', {
      backend,
      ...subject,
      message: `the record of id ${JSON.stringify(id)} names no owner; remove it with the backend's own tools`,
    })
  const close = (session: DriverSession): Promise<void> => {
    // with its own signal, as an aborted call must not leave its session open
    const { signal } = new AbortController()
    const whole = callSubject(context, subject.operation, service)
    return withDeadline(clock, callTimeoutMs, signal, whole, (bounded) =>
      session.close(bounded),
    ).catch(() => {}) // holds no record, and expires with its ttl
  }
  return callWithRetries(context, subject, outer, async (signal) => {
    const session = await driver.openSession({ ttlMs }, signal)
    try {
      const [outcome]: readonly RemoveOutcome[] = await session.remove(
        [{ service, id, owner: claim.owner }],
        signal,
      )
      if (outcome?.result === 'error') throw outcome.error
      return outcome?.result ?? 'absent'
    } finally {
      await close(session)
    }
  })
}
