import { type ServiceInstance, sameInstance } from '@sd/core/driver'

/**
 * What copying an instance would do. `add`: it is not in the target. `same`: it stands there just
 * so. `keep`: another one stands there under this name, and stays.
 */
export interface Difference {
  readonly type: 'add' | 'same' | 'keep'
  readonly instance: ServiceInstance
  /** What stands in the target. */
  readonly standing?: ServiceInstance
}

/** What copying these instances to the target would do. */
export const differencesTo = (
  instances: readonly ServiceInstance[],
  target: { get(service: string, id: string): ServiceInstance | undefined },
): readonly Difference[] =>
  instances.map((instance): Difference => {
    const standing = target.get(instance.service, instance.id)
    if (standing === undefined) return { type: 'add', instance }
    return { type: sameInstance(instance, standing) ? 'same' : 'keep', instance, standing }
  })
