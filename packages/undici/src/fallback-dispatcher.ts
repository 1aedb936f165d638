import { LegacyDispatcher, type LegacyTarget } from './legacy-dispatcher.ts'
import { legacyGlobalDispatcher } from './preserved-dispatcher.ts'
import { type Dispatcher, getGlobalDispatcher } from './undici.ts'

/**
 * The global dispatcher as it is now. undici 7 and 8 keep theirs under a key of their own and leave
 * a wrapper under the older one; something else there was set later, by undici 6 or by the built-in
 * fetch of Node 22 and 24, and counts.
 */
export const presentGlobalDispatcher = (): Dispatcher => {
  const legacy = legacyGlobalDispatcher() as LegacyTarget | undefined
  // by name: each installed copy of undici has a class of its own
  if (legacy === undefined || legacy.constructor.name === 'Dispatcher1Wrapper')
    return getGlobalDispatcher()
  return (legacy as unknown) === getGlobalDispatcher()
    ? getGlobalDispatcher()
    : new LegacyDispatcher(legacy)
}
