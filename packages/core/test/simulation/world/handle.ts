import type { ConflictRule } from '../../../src/registration/desired-registration.ts'
import type { Registration } from '../../../src/registration.ts'
import { isFinal } from '../../../src/registration/registration-state.ts'
import { RegistryError } from '../../../src/registry-error.ts'
import type { Journal } from './journal.ts'
import type { Place } from '../schedule/operation.ts'

/** How a promise of the library settled: `resolved`, or a code; `undefined` while pending. */
export type Ending = string | undefined

/** One call whose end is awaited. */
export interface PendingCall {
  readonly name: string
  readonly allowed: (ending: string) => boolean
  ending: Ending
}

/** The code of a `RegistryError`, or the text of any other error. */
export const endingOf = (error: unknown): string =>
  error instanceof RegistryError ? error.code : `thrown ${String(error)}`

/** The model's side of one registration: what the user asked for. */
export class Handle {
  readonly number: number
  readonly place: Place
  readonly onConflict: ConflictRule
  registration: Registration | undefined
  /** The user ended it, by `deregister`, by an abort or by closing the registry. */
  takenBack = false
  /** A later registration of the same process has replaced it. */
  replacedLocally = false
  /** The same process held the id already, so that this call was refused. */
  refusedLocally = false
  readonly calls: PendingCall[] = []
  /** Whether its status was ever `registered`. */
  wasRegistered = false
  /** Whether the iteration over its statuses has ended, as it must after a final one. */
  statusesEnded = false

  /** When `register` was called. */
  readonly calledAtMs: number

  constructor(number: number, place: Place, onConflict: ConflictRule, calledAtMs: number) {
    this.calledAtMs = calledAtMs
    this.number = number
    this.place = place
    this.onConflict = onConflict
  }

  /** Whether the process registers the id for it. */
  get holds(): boolean {
    if (this.takenBack || this.replacedLocally || this.refusedLocally) return false
    if (this.registration !== undefined) return !isFinal(this.registration.status.state)
    return this.calls.every(({ ending }) => ending === undefined)
  }

  /** Reads the statuses to their end. */
  async followStatus(registration: Registration, journal: Journal): Promise<void> {
    let last = ''
    for await (const { state, cause } of registration.statuses()) {
      journal.note(() => `  handle ${this.number} is ${state} ${cause?.message ?? ''}`)
      if (last === 'registered' && state === 'registering')
        journal.violation(`handle ${this.number} went from ${last} to ${state}`)
      last = state
      if (state === 'registered') this.wasRegistered = true
    }
    this.statusesEnded = true
    if (!['superseded', 'failed', 'closed'].includes(last))
      journal.violation(`the statuses of handle ${this.number} ended with ${last}`)
  }
}
