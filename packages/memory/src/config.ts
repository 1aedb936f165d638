import { ConfigCheck } from '@sd/core/driver'
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

const check = new ConfigCheck('memory')

/**
 * `value` as a configuration. Throws `invalid-config`, which names the field, what was given and
 * what is accepted; a field that is not known is refused.
 */
export const validateMemoryConfig = (value: unknown): MemoryConfig => {
  const given = check.object(value, ['namespace', 'store'])
  const { namespace, store } = given
  if (namespace !== undefined) check.namespace(namespace)
  if (store !== undefined && !(store instanceof MemoryStore) && !isName(store))
    check.expected('store', store, 'a MemoryStore, or the name of a process-wide one')
  return given
}

const isName = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.isWellFormed()
