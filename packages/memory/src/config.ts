import { ConfigCheck, type LoopHeartbeatConfig } from '@sd/core/driver'
import { MemoryStore } from './memory-store.ts'

/** Options of `memory`. Every field is optional. */
export interface MemoryConfig extends LoopHeartbeatConfig {
  /** Instances of different namespaces never see each other. Default `services`. */
  readonly namespace?: string | undefined
  /**
   * The store that holds the instances, or the name of a process-wide one. Default `default`, so
   * that all registries of a process share instances.
   */
  readonly store?: MemoryStore | string | undefined
}

const check = new ConfigCheck('memory')

/**
 * Returns `value` as a configuration. Throws `invalid-config`, naming the field, the given value
 * and the accepted ones; refuses unknown fields.
 */
export const validateMemoryConfig = (value: unknown): MemoryConfig => {
  const given = check.object(value, ['namespace', 'store', 'heartbeat', 'maxBlockMs'])
  const { namespace, store } = given
  if (namespace !== undefined) check.namespace(namespace)
  if (store !== undefined && !(store instanceof MemoryStore) && !isName(store))
    check.expected('store', store, 'a MemoryStore, or the name of a process-wide one')
  check.heartbeat(given, 'the sessions in memory live and are renewed in the event loop itself')
  return given
}

const isName = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.isWellFormed()
