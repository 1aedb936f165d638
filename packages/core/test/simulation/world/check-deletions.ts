import type { Write } from '../server/history.ts'
import type { SimServer } from '../server/sim-server.ts'
import { isWanted } from './is-wanted.ts'
import type { Journal } from './journal.ts'
import type { Ledger } from './ledger.ts'
import type { SimProcess } from './sim-process.ts'

/** The parts of a world that the check needs. */
export interface CheckedWorld {
  readonly server: SimServer
  readonly processes: readonly SimProcess[]
  readonly ledger: Ledger
  readonly journal: Journal
  /** Places at which a write was ever refused. */
  readonly everDenied: ReadonlySet<number>
}

/** Whether a process wants the record under that key, and was never refused it. */
const wanted = (world: CheckedWorld, key: string): boolean =>
  world.processes.some((process) =>
    process.handles.some(
      (handle) =>
        isWanted(process, handle) &&
        world.ledger.standsAs(key, handle.number) &&
        !world.everDenied.has(handle.place),
    ),
  )

/**
 * Checks the deletions of the library itself. It closes an old session only when the new one has
 * all of its records, as far as no backup ties one of them to the old one again; a removal deletes only
 * records of the same owner.
 */
export const checkDeletions = (world: CheckedWorld, writes: readonly Write[]): void => {
  const { server, journal, ledger } = world
  const { acting } = server
  if (acting === undefined) return
  for (const { key, stored } of writes) {
    if (stored !== undefined) continue
    if (acting.operation === 'close-session' && !ledger.isRestored(key) && wanted(world, key))
      journal.violation(`closing an old session of ${acting.client} removed ${key} (R4)`)
    if (acting.operation === 'remove' && !ledger.isOwner(key, `owner-${acting.client}-`))
      journal.violation(`${acting.client} removed ${key}, which belongs to another owner (R7)`)
  }
}
