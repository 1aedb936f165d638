import { memoryError } from './errors.ts'
import { MemoryStore } from './memory-store.ts'

/** What `memory` takes. Every field is optional. */
export interface MemoryConfig {
  /** Instances of different namespaces never see each other. Default `services`. */
  readonly namespace?: string | undefined
  /**
   * Who shares the instances: a store of one's own, or the name of a process-wide one.
   * Default `default`, so that all registries of a process find each other.
   */
  readonly store?: MemoryStore | string | undefined
}

const refuse = (field: string, given: unknown, accepted: string): never => {
  const shown = typeof given === 'string' ? JSON.stringify(given) : String(given)
  throw memoryError('invalid-config', 'configure', `${field} is ${shown}; expected ${accepted}`)
}

const isName = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.isWellFormed()

/**
 * `value` as a configuration. Throws `invalid-config`, which names the field, what was given and
 * what is accepted; a field that is not known is refused.
 */
export const validateMemoryConfig = (value: unknown): MemoryConfig => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('the configuration', value, 'an object')
  for (const field of Object.keys(value))
    if (field !== 'namespace' && field !== 'store')
      refuse(`field ${JSON.stringify(field)}`, 'unknown', 'namespace, store')
  const { namespace, store } = value as MemoryConfig
  if (namespace !== undefined && !isName(namespace))
    refuse('namespace', namespace, 'a non-empty string of well-formed Unicode')
  if (store !== undefined && !(store instanceof MemoryStore) && !isName(store))
    refuse('store', store, 'a MemoryStore, or the name of a process-wide one')
  return value
}
