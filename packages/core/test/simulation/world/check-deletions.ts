import type { Write } from '../server/history.ts'
import type { SimServer } from '../server/sim-server.ts'
import { isWanted } from './is-wanted.ts'
import type { Journal } from './journal.ts'
import type { Ledger } from './ledger.ts'
import type { SimProcess } from './sim-process.ts'

/** What of a world the check looks at. */
export interface CheckedWorld {
  readonly server: SimServer
  readonly processes: readonly SimProcess[]
  readonly ledger: Ledger
  readonly journal: Journal
  /** Places at which a write was ever refused. */
  readonly everDenied: ReadonlySet<number>
}

/** Whether somebody wants what stands there, and was never refused it. */
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
 * What the library itself takes away. An old session is only closed when all that stands in it
 * stands in the new one; a removal takes the remover's own records and nobody else's.
 */
export const checkDeletions = (world: CheckedWorld, writes: readonly Write[]): void => {
  const { server, journal, ledger } = world
  const { acting } = server
  if (acting === undefined) return
  for (const { key, stored } of writes) {
    if (stored !== undefined) continue
    if (acting.operation === 'close-session' && wanted(world, key))
      journal.violation(`closing an old session of ${acting.client} took ${key} away (R4)`)
    if (acting.operation === 'remove' && !ledger.isOwner(key, `owner-${acting.client}-`))
      journal.violation(`${acting.client} removed ${key}, which is a rival's (R7)`)
  }
}
