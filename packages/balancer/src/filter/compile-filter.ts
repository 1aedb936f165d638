import type { ServiceInstance } from '@sd/core'
import { OptionCheck } from '../options/option-check.ts'
import type { FilterOption, InstanceFilter } from './instance-filter.ts'
import { compileVersionRange } from './version-range.ts'

/** One condition, and its name in errors. */
interface Condition {
  readonly name: string
  holds(instance: ServiceInstance): boolean
}

/** A checked filter. */
export interface CompiledFilter {
  /** Names the first condition that does not hold; `undefined` if all hold. */
  refusal(instance: ServiceInstance): string | undefined
}

/** Receives what a predicate threw. */
export type OnPredicateError = (error: unknown, instance: ServiceInstance) => void

const known = [
  'version',
  'tags',
  'metadata',
  'zone',
  'predicate',
] satisfies (keyof InstanceFilter)[]

const quoted = (texts: readonly string[]): string =>
  texts.map((text) => JSON.stringify(text)).join(', ')

const predicateCondition = (
  predicate: (instance: ServiceInstance) => boolean,
  onError: OnPredicateError,
): Condition => ({
  name: 'the predicate',
  holds: (instance) => {
    try {
      return predicate(instance)
    } catch (error) {
      onError(error, instance)
      return false
    }
  },
})

/** Checks and compiles a filter. Returns `undefined` for one without conditions. */
export const compileFilter = (
  option: FilterOption,
  check: OptionCheck,
  onError: OnPredicateError,
): CompiledFilter | undefined => {
  if (typeof option === 'function') return compileFilter({ predicate: option }, check, onError)
  check.object('filter', option, known)
  const { version, tags, metadata, zone, predicate } = option
  const conditions: Condition[] = []
  if (version !== undefined) {
    const inRange = compileVersionRange(version)
    if (inRange === undefined)
      return check.refuse('filter.version', version, 'a range of versions like ^1.4 or >=2 <3')
    const name = `version ${JSON.stringify(version)}`
    conditions.push({ name, holds: (instance) => inRange(instance.version) })
  }
  if (tags !== undefined) {
    const wanted = check.texts('filter.tags', tags)
    const name = `${wanted.length === 1 ? 'tag' : 'tags'} ${quoted(wanted)}`
    conditions.push({
      name,
      holds: (instance) => wanted.every((tag) => instance.tags.includes(tag)),
    })
  }
  if (metadata !== undefined) {
    const pairs = check.pairs('filter.metadata', metadata)
    const name = `metadata ${quoted(pairs.map(([key, value]) => `${key}=${value}`))}`
    const has = (own: ServiceInstance['metadata'], key: string, value: string): boolean =>
      Object.hasOwn(own, key) && own[key] === value
    conditions.push({
      name,
      holds: (instance) => pairs.every(([key, value]) => has(instance.metadata, key, value)),
    })
  }
  if (zone !== undefined) {
    const zones =
      typeof zone === 'string'
        ? [check.text('filter.zone', zone)]
        : check.texts('filter.zone', zone)
    const name = `zone ${quoted(zones)}`
    const wanted: ReadonlySet<string | undefined> = new Set(zones)
    conditions.push({ name, holds: (instance) => wanted.has(instance.zone) })
  }
  if (predicate !== undefined)
    conditions.push(predicateCondition(check.function('filter.predicate', predicate), onError))
  if (conditions.length === 0) return undefined
  return { refusal: (instance) => conditions.find((condition) => !condition.holds(instance))?.name }
}

/**
 * Compiles a filter to a function that returns whether an instance passes. A predicate that throws
 * counts as `false`.
 * @throws RegistryError `invalid-config`, naming the field at fault
 */
export const createFilter = (filter: FilterOption): ((instance: ServiceInstance) => boolean) => {
  const check = new OptionCheck('create filter', undefined)
  const compiled = compileFilter(filter, check, () => {})
  return (instance) => compiled?.refusal(instance) === undefined
}
