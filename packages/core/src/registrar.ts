import { hostname } from 'node:os'
import { CheckLoop } from './check/check-loop.ts'
import { type CheckOptions, resolveCheck } from './check/check-options.ts'
import type { InstanceInput } from './model/service-instance.ts'
import { validateInstance } from './model/validate-instance.ts'
import { createLoopbackWarning } from './loopback.ts'
import { Registration, type WaitOptions } from './registration.ts'
import { assertOpen, assertRecordFits, type RegistryContext } from './registry-context.ts'
import { RegistryError, show } from './registry-error.ts'
import type { ConflictRule } from './registration/desired-registration.ts'
import type { RegistrationSupervisor } from './registration/registration-supervisor.ts'

/** The options of `register`. */
export interface RegisterOptions extends WaitOptions, CheckOptions {
  /**
   * What to do when the id is held: `takeover` (default): the newer registration wins, and the
   * holder's status becomes `superseded`; `reject`: fail with `conflict` while the holder lives;
   * `yield`: as `reject`, and lose to any later registration of the id (for mirrors of a registry).
   */
  readonly onConflict?: ConflictRule | undefined
  /**
   * `registered` (default): resolve when every client can list the instance. `accepted`: resolve
   * at once; the status reports the progress. With a `check` both first wait for its first run.
   */
  readonly waitFor?: 'registered' | 'accepted' | undefined
}

/** The role of a service that publishes itself. */
export interface Registrar {
  /**
   * Registers an instance and keeps it registered through every outage, until it is deregistered
   * or the registry is closed. A registration of the same id by this registry counts as its holder:
   * it is superseded, or the call fails with `conflict`.
   *
   * Required are `service` and `endpoints`; `id` defaults to host name, process id and a random
   * suffix, `weight` to 100, `tags` and `metadata` to empty.
   *
   * While the backend cannot be reached the call keeps trying; it has no deadline of its own.
   * Aborting `options.signal` ends the call with the signal's reason and takes the registration
   * back. After the promise has resolved the signal has no effect.
   * @throws RegistryError `invalid-argument` before any I/O: the message names the field, or the
   * record is larger than the backend accepts; `conflict` when the id is held and `onConflict` is not
   * `takeover`; `permission-denied`; `unsupported` when the format cannot express the instance;
   * `closed` after `close()`
   */
  register(instance: InstanceInput, options?: RegisterOptions): Promise<Registration>
}

/** Creates a `Registrar` whose registrations `supervisor` maintains. */
export const createRegistrar = (
  context: RegistryContext,
  supervisor: RegistrationSupervisor,
): Registrar => {
  const { backend, options } = context
  const warnOfLoopback = createLoopbackWarning(context)
  const { clock, random } = options
  const makeId = (): string => `${hostname() || 'host'}-${process.pid}-${random.id(8)}`
  const assertOneOf = (field: string, value: string, accepted: readonly string[]): void => {
    if (accepted.includes(value)) return
    throw new RegistryError('invalid-argument', {
      backend,
      operation: 'register',
      message: `${field} is ${show(value)}; expected ${accepted.join(' or ')}`,
    })
  }
  return {
    register: async (input, given = {}) => {
      const { onConflict = 'takeover', waitFor = 'registered', signal, ...checkOptions } = given
      assertOpen(context, 'register')
      assertOneOf('onConflict', onConflict, ['takeover', 'reject', 'yield'])
      assertOneOf('waitFor', waitFor, ['registered', 'accepted'])
      const check = resolveCheck(checkOptions)
      const instance = validateInstance('register', input, makeId)
      assertRecordFits(context, 'register', instance)
      signal?.throwIfAborted()
      warnOfLoopback(instance)
      const loop = check && new CheckLoop(check, { backend, clock, random }, instance.service)
      const checked = await loop?.first(
        signal === undefined ? context.closed : AbortSignal.any([context.closed, signal]),
      )
      const desired = supervisor.register(instance, onConflict, checked)
      if (loop !== undefined) {
        loop.start((outcome) => supervisor.takeCheck(desired, outcome))
        desired.onEnd(() => loop.stop())
      }
      const registration = new Registration(supervisor, desired, (updated) =>
        assertRecordFits(context, 'update', updated),
      )
      if (waitFor === 'accepted') return registration
      try {
        await desired.acknowledged(1, signal)
      } catch (error) {
        if (signal?.aborted === true) supervisor.deregister(desired).catch(() => {})
        throw error
      }
      return registration
    },
  }
}
