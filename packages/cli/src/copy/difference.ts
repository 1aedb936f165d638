import { type ServiceInstance, sameInstance } from '@sd/core/driver'

/**
 * What copying an instance would do. `add`: it is not in the target. `same`: the target has an
 * equal instance. `keep`: the target has another instance with this name and keeps it.
 */
export interface Difference {
  readonly type: 'add' | 'same' | 'keep'
  readonly instance: ServiceInstance
  /** The instance in the target. */
  readonly standing?: ServiceInstance
}

/** Compares these instances with the target. */
export const differencesTo = (
  instances: readonly ServiceInstance[],
  target: { get(service: string, id: string): ServiceInstance | undefined },
): readonly Difference[] =>
  instances.map((instance): Difference => {
    const standing = target.get(instance.service, instance.id)
    if (standing === undefined) return { type: 'add', instance }
    return { type: sameInstance(instance, standing) ? 'same' : 'keep', instance, standing }
  })
