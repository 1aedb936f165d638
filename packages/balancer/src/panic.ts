import type { BalancerNews } from './diagnostics.ts'
import type { Member } from './member.ts'

/** What panic needs from its picker. */
export interface PanicParts {
  readonly panicPercent: number
  /** Called for each member for which the result of `admits` has changed. */
  readonly onChange: (member: Member) => void
  readonly tell: (news: BalancerNews) => void
}

/**
 * Decides whether members that are failing or ejected may be picked. It follows Envoy's panic
 * threshold: when fewer than `panicPercent` of the members are well, the cause is probably not in
 * the members, and the rest could not take the whole load. Draining members do not count, as they
 * leave on purpose; they may be picked only when there are no others.
 */
export class Panic {
  readonly #parts: PanicParts
  readonly #unwell = new Set<Member>()
  readonly #draining = new Set<Member>()
  #well = 0
  #panic = false
  /** All that is left is draining. */
  #onlyDraining = false
  /** Several members are being changed. */
  #busy = false

  constructor(parts: PanicParts) {
    this.#parts = parts
  }

  /** Whether the member may be picked. */
  admits({ standing }: Member): boolean {
    switch (standing) {
      case 'well':
        return true
      case 'unwell':
        return this.#panic
      case 'draining':
        return this.#onlyDraining
      case undefined:
        return false
    }
  }

  /** Sets the member's standing; `undefined` if it is not to be counted. */
  set(member: Member, standing: Member['standing']): void {
    if (member.standing === standing) return
    if (member.standing === 'well') this.#well -= 1
    this.#unwell.delete(member)
    this.#draining.delete(member)
    member.standing = standing
    if (standing === 'well') this.#well += 1
    else if (standing === 'unwell') this.#unwell.add(member)
    else if (standing === 'draining') this.#draining.add(member)
    if (!this.#busy) this.#check()
  }

  /** Runs `work`, which changes several members, and decides once, after it. */
  afterAll(work: () => void): void {
    this.#busy = true
    work()
    this.#busy = false
    this.#check()
  }

  #check(): void {
    const { panicPercent, onChange, tell } = this.#parts
    const instances = this.#well + this.#unwell.size
    const onlyDraining = instances === 0 && panicPercent > 0
    if (onlyDraining !== this.#onlyDraining) {
      this.#onlyDraining = onlyDraining
      for (const member of this.#draining) onChange(member)
    }
    const panic = 100 * this.#well < panicPercent * instances
    if (panic === this.#panic) return
    this.#panic = panic
    let failing = 0
    for (const { failing: fails } of this.#unwell) failing += fails ? 1 : 0
    const ejected = this.#unwell.size - failing
    tell({ event: panic ? 'panic-began' : 'panic-ended', failing, ejected, instances })
    for (const member of this.#unwell) onChange(member)
  }
}
