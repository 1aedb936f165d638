import { sameInstance, type WireFormat } from '@sd/core/driver'
import type { ServiceInstance } from '@sd/registry'
import { describeUpdate } from '../output/instance-output.ts'

/**
 * What copying an instance would do. `add`: it is not in the target. `same`: the target has an
 * equal instance. `keep`: the target has another instance with this name and keeps it. `refuse`: it is
 * not in the target, whose format cannot express it.
 */
export interface Difference {
  readonly type: 'add' | 'same' | 'keep' | 'refuse'
  readonly instance: ServiceInstance
  /** The instance in the target. */
  readonly standing?: ServiceInstance
  /** Why the format of the target cannot express it. */
  readonly reason?: string
}

/** The target of a copy: what it has, and its format. */
export interface CopyTarget {
  readonly watcher: { get(service: string, id: string): ServiceInstance | undefined }
  readonly format: Pick<WireFormat, 'name' | 'refusal'>
}

/** Compares these instances with the target. */
export const differencesTo = (
  instances: readonly ServiceInstance[],
  { watcher, format }: CopyTarget,
): readonly Difference[] =>
  instances.map((instance): Difference => {
    const standing = watcher.get(instance.service, instance.id)
    if (standing !== undefined)
      return { type: sameInstance(instance, standing) ? 'same' : 'keep', instance, standing }
    const reason = format.refusal?.(instance)
    return reason === undefined ? { type: 'add', instance } : { type: 'refuse', instance, reason }
  })

/** One line for people. */
export const differenceText = (
  { type, instance, standing, reason }: Difference,
  format: Pick<WireFormat, 'name'>,
): string => {
  const name = `${instance.service}/${instance.id}`
  if (type === 'add') return `add     ${name} ${instance.endpoints.join(' ')}`
  if (type === 'refuse') return `refuse  ${name}: ${format.name} cannot express it: ${reason}`
  const how = standing === undefined ? '' : describeUpdate(standing, instance)
  return `keep    ${name} unchanged in the target; in the source ${how}`
}

/** How many there are of each type. */
export const summary = (differences: readonly Difference[], unreadable: number): string => {
  const count = (type: Difference['type']): number =>
    differences.filter((difference) => difference.type === type).length
  const refused = count('refuse')
  return [
    `${count('add')} to add`,
    `${count('same')} already the same`,
    `${count('keep')} that differ and stay unchanged`,
    ...(refused === 0 ? [] : [`${refused} that the target cannot express`]),
    ...(unreadable === 0 ? [] : [`${unreadable} unreadable`]),
  ].join(', ')
}
