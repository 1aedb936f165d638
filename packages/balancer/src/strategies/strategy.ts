import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/** An algorithm that picks among its members. A member is in one strategy at most. */
export interface Strategy {
  /** Whether `settled` wants to know how long a call took. */
  readonly timed: boolean
  /** How many members it has. */
  readonly size: number
  add(member: Member): void
  remove(member: Member): void
  /** `member.weight` has changed. */
  reweigh(member: Member): void
  /** A member that suits the request; `undefined` when none does. */
  pick(request: PickOptions | undefined): Member | undefined
  /** A call to one of its members has ended; `member.inFlight` no longer counts it. */
  settled(member: Member, latencyMs: number, failed: boolean): void
}
