import type { ServiceInstance } from '@sd/core'
import type { Member } from './member.ts'
import type { Outcome, Pick } from './pick.ts'

/** The one object that a pick makes. */
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

  /** When it was picked, for strategies that use time. */
  protected get startedMs(): number {
    return 0
  }
}

/** A pick that knows when it was made. Apart, as a number that is no small whole one is a box more. */
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
