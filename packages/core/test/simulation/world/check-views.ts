import type { WatchScope } from '../schedule/operation.ts'
import type { BaseWatcher } from '../../../src/watcher.ts'
import { serviceOf } from '../server/stored.ts'
import { isWanted } from './is-wanted.ts'
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
  if (!reader.synced) return 'it never received an event'
  if (watcher.stale !== undefined || reader.stale)
    return `it is stale (${String(watcher.stale?.cause)}), received stale: ${reader.stale}`
  if (served !== expected) return `it shows [${served}], the backend has [${expected}]`
  if (reader.told !== expected)
    return `its events result in [${reader.told}], the backend has [${expected}]`
  return undefined
}

const openReaders = ({ processes }: World): readonly OpenReader[] =>
  processes.filter(({ alive }: SimProcess) => alive).flatMap(({ readers }) => readers)

/**
 * Every watcher's view, and the result of its events, equals the backend's; none is held or stale.
 */
export const checkViews = (world: World, bound: string): void => {
  for (const open of openReaders(world)) {
    const wrong = checkReader(world, open)
    if (wrong !== undefined) world.journal.violation(`${open.reader.name}: ${wrong} (${bound})`)
  }
}

/** Loss protection lets at most its fraction of a wiped backend's instances be removed. */
export const checkLossProtection = (world: World, instances: ReadonlyMap<string, number>): void => {
  for (const { scope, reader } of openReaders(world)) {
    if (scope === 'services') continue
    const size = instances.get(scope) ?? 0
    if (size >= 3 && reader.removals > world.wipes * Math.floor(size / 2))
      world.journal.violation(
        `${reader.name} received ${reader.removals} removals of ${size} instances in ${world.wipes} wipes (W4)`,
      )
  }
}

/** Loss protection also bounds how many wanted instances a restored backup makes blink. */
export const checkRestoreBlinks = (world: World): void => {
  const wanted = new Set(
    world.processes.flatMap((process) =>
      process.handles.filter((handle) => isWanted(process, handle)).map(({ number }) => number),
    ),
  )
  for (const { reader } of openReaders(world)) {
    const blinks = reader.removedHandles.filter((handle) => wanted.has(handle)).length
    if (reader.largest >= 3 && blinks > world.restores * Math.floor(reader.largest / 2))
      world.journal.violation(
        `${reader.name} received ${blinks} removals of wanted instances, and knew at most ${reader.largest} (W4)`,
      )
  }
}

/** With outages below half the ttl and data kept, no watcher receives a removal. */
export const checkNoBlink = (world: World): void => {
  for (const { reader } of openReaders(world))
    if (reader.removals > 0)
      world.journal.violation(`${reader.name} received ${reader.removals} removals (R4)`)
}
