import { randomUUID } from 'node:crypto'
import type { InstanceFilter, PickerOptions } from '@sd/balancer'
import type { Discovery } from '@sd/core'
import type { PolicySettings } from '../policy/service-update.ts'
import { authorityOf } from './authority.ts'
import type { RetryOptions } from './retry-options.ts'
import type { ServiceTarget } from './service-target.ts'

/** The registry of a scheme, and how its services are called. */
export interface ResolverBinding {
  readonly discovery: Discovery
  readonly picker: PickerOptions
  readonly schemes: readonly string[]
  readonly settleMs: number
  readonly retry: boolean | RetryOptions
  readonly authority: ((service: string) => string) | undefined
}

/** `'orders' at etcd`, for messages. */
export const whereIs = ({ service }: ServiceTarget, { discovery }: ResolverBinding): string => {
  const backend = 'backend' in discovery ? discovery.backend : undefined
  return `'${service}'${typeof backend === 'string' ? ` at ${backend}` : ''}`
}

const fieldsOf = (filter: PickerOptions['filter']): InstanceFilter =>
  typeof filter === 'function' ? { predicate: filter } : (filter ?? {})

/**
 * Combines the filter for all targets with that of one target. The target's version and zone
 * override.
 */
const bothFilters = (
  all: PickerOptions['filter'],
  one: PickerOptions['filter'],
): Pick<PickerOptions, 'filter'> => {
  if (all === undefined && one === undefined) return {}
  const [first, second] = [fieldsOf(all), fieldsOf(one)]
  const tags = [...(first.tags ?? []), ...(second.tags ?? [])]
  const metadata = { ...first.metadata, ...second.metadata }
  return {
    filter: {
      ...first,
      ...second,
      ...(tags.length > 0 ? { tags } : {}),
      ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    },
  }
}

/**
 * Shared by all channels of this process, so that they use the same subset, also after being idle.
 */
const clientId = randomUUID()

const subsetOf = (subset: PickerOptions['subset']): Pick<PickerOptions, 'subset'> => {
  if (subset === undefined) return {}
  return { subset: { clientId, ...(typeof subset === 'number' ? { size: subset } : subset) } }
}

/** The settings of one channel. The target's settings override those of the binding. */
export const settingsOf = (target: ServiceTarget, binding: ResolverBinding): PolicySettings => {
  return {
    picker: {
      ...binding.picker,
      ...target.picker,
      ...bothFilters(binding.picker.filter, target.picker.filter),
      ...subsetOf(target.picker.subset ?? binding.picker.subset),
      service: target.service,
    },
    schemes: target.scheme === undefined ? binding.schemes : [target.scheme],
    key: target.key,
    settleMs: binding.settleMs,
  }
}

/** The channel's default authority. */
export const authorityFor = (target: ServiceTarget, binding: ResolverBinding | undefined): string =>
  target.authority ?? binding?.authority?.(target.service) ?? authorityOf(target.service)
