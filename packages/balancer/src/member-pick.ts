import type { ServiceInstance } from '@sd/core'
import type { Member } from './member.ts'
import type { Outcome, Pick } from './pick.ts'

/** The only object that a pick allocates. */
export class MemberPick implements Pick {
  readonly instance: ServiceInstance
  readonly endpoint: string
  #member: Member | undefined

  constructor(member: Member, endpoint: string) {
    this.instance = member.instance
    this.endpoint = endpoint
    this.#member = member
  }

  done(outcome?: Outcome): void {
    const member = this.#member
    if (member === undefined) return
    this.#member = undefined
    member.picker.settle(member, outcome, this.startedMs)
  }

  /** When the pick was made, for strategies that use time. */
  protected get startedMs(): number {
    return 0
  }
}

/**
 * A pick that stores its time. A separate class, as a number other than a small integer costs
 * another allocation.
 */
export class TimedPick extends MemberPick {
  readonly #startedMs: number

  constructor(member: Member, endpoint: string, startedMs: number) {
    super(member, endpoint)
    this.#startedMs = startedMs
  }

  protected override get startedMs(): number {
    return this.#startedMs
  }
}
