import type { WatchScope } from '../schedule/operation.ts'
import type { BaseWatcher } from '../../../src/watcher.ts'
import { serviceOf } from '../server/stored.ts'
import type { OpenReader, SimProcess } from './sim-process.ts'
import { showView } from './reader-model.ts'
import type { World } from './world.ts'

const backendView = ({ server }: World, scope: WatchScope): string => {
  if (scope === 'services') return showView(new Set([...server.records.keys()].map(serviceOf)))
  return showView(server.instances(scope === 'all' ? undefined : scope))
}

/** What the watcher's properties show, as opposed to its events. */
const servedView = (watcher: BaseWatcher<never> | object): string => {
  if ('services' in watcher) return showView(watcher.services as readonly string[])
  return 'instances' in watcher ? showView(watcher.instances as readonly never[]) : ''
}

const checkReader = (world: World, { scope, reader }: OpenReader): string | undefined => {
  const { watcher } = reader
  const expected = backendView(world, scope)
  const served = servedView(watcher)
  if (reader.ended !== undefined) return `it ended: ${reader.ended}`
  if (!reader.synced) return 'it was never told anything'
  if (watcher.stale !== undefined || reader.stale)
    return `it is stale (${String(watcher.stale?.cause)}), told stale: ${reader.stale}`
  if (served !== expected) return `it shows [${served}], the backend has [${expected}]`
  if (reader.told !== expected) return `it was told [${reader.told}], the backend has [${expected}]`
  return undefined
}

const openReaders = ({ processes }: World): readonly OpenReader[] =>
  processes.filter(({ alive }: SimProcess) => alive).flatMap(({ readers }) => readers)

/** Every view, as shown and as told, is the backend's, and nothing is held or stale any more. */
export const checkViews = (world: World, bound: string): void => {
  for (const open of openReaders(world)) {
    const wrong = checkReader(world, open)
    if (wrong !== undefined) world.journal.violation(`${open.reader.name}: ${wrong} (${bound})`)
  }
}

/** Loss protection tells at most its share of what a wiped backend forgot. */
export const checkLossProtection = (world: World, instances: ReadonlyMap<string, number>): void => {
  for (const { scope, reader } of openReaders(world)) {
    if (scope === 'services') continue
    const size = instances.get(scope) ?? 0
    if (size >= 3 && reader.removals > world.wipes * Math.floor(size / 2))
      world.journal.violation(
        `${reader.name} was told ${reader.removals} removals of ${size} instances in ${world.wipes} wipes (W4)`,
      )
  }
}

/** With outages below half the ttl and data kept nobody is told that anything left. */
export const checkNoBlink = (world: World): void => {
  for (const { reader } of openReaders(world))
    if (reader.removals > 0)
      world.journal.violation(`${reader.name} was told ${reader.removals} removals (R4)`)
}
