import { LegacyDispatcher, type LegacyTarget } from './legacy-dispatcher.ts'
import { legacyGlobalDispatcher } from './preserved-dispatcher.ts'
import { type Dispatcher, getGlobalDispatcher } from './undici.ts'

/**
 * The current global dispatcher. undici 7 and 8 store theirs under their own key, and a wrapper
 * under the older key. Anything else under the older key was set later, by undici 6 or by the
 * built-in fetch of Node 22 and 24, and has precedence.
 */
export const presentGlobalDispatcher = (): Dispatcher => {
  const legacy = legacyGlobalDispatcher() as LegacyTarget | undefined
  // compared by name, as each installed copy of undici has its own class
  if (legacy === undefined || legacy.constructor.name === 'Dispatcher1Wrapper')
    return getGlobalDispatcher()
  return (legacy as unknown) === getGlobalDispatcher()
    ? getGlobalDispatcher()
    : new LegacyDispatcher(legacy)
}
