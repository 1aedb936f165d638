import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/** An algorithm that picks among its members. A member is in one strategy at most, its `home`. */
export interface Strategy {
  /** Whether it uses time: else `nowMs` and `latencyMs` are 0. */
  readonly timed: boolean
  /** How many members it has. */
  readonly size: number
  add(member: Member): void
  /** `member.weight` is what `add` or the last `reweigh` saw. */
  remove(member: Member): void
  /** `member.weight` or `member.warmth` has changed; the weight was `before`. */
  reweigh(member: Member, before: number): void
  /** A member that suits the request; `undefined` when none does. The caller counts it in flight. */
  pick(request: PickOptions | undefined, nowMs: number): Member | undefined
  /** A call to one of its members has ended; `member.inFlight` no longer counts it. */
  settled(member: Member, nowMs: number, latencyMs: number, failed: boolean): void
}
