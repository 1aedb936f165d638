import { type Claim, compareClaims } from '../../../src/model/claim.ts'
import type { ServiceInstance } from '../../../src/model/service-instance.ts'
import type { Write } from '../server/history.ts'
import { handleOf, serviceOf, type Stored } from '../server/stored.ts'
import type { Journal } from './journal.ts'

const signature = (instance: ServiceInstance): string =>
  `${instance.service}/${instance.id} ${instance.metadata['handle']} ${instance.weight}`

/**
 * Everything that happened in the backend: the checks compare reported events and states with it.
 */
export class Ledger {
  readonly #journal: Journal
  readonly #stood = new Set<string>()
  readonly #claims = new Map<
    string,
    { readonly handle: number | undefined; readonly claim: Claim }[]
  >()
  /** Keys that became absent or unreadable after they were stored. */
  readonly #left = new Set<string>()
  /** Handles whose deregistration was acknowledged: no record of them may be stored again. */
  readonly #gone = new Set<number>()
  readonly #standing = new Map<string, Stored>()
  /** Keys whose record a backup brought back, tied to the session that had it then. */
  readonly #restored = new Set<string>()
  readonly #highestWeight = new Map<number, number>()
  /** By handle, the higher claim that replaced its record, and the lease of that record. */
  readonly #displaced = new Map<
    number,
    { readonly key: string; readonly by: Claim; readonly lease: string | undefined }
  >()
  readonly #answersArrive: boolean

  /** `answersArrive`: no write is ever left without an answer, and no history is lost. */
  constructor(journal: Journal, answersArrive: boolean) {
    this.#journal = journal
    this.#answersArrive = answersArrive
  }

  committed(writes: readonly Write[]): void {
    for (const { key, stored } of writes) {
      this.#restored.delete(key)
      const handle = stored === undefined ? undefined : handleOf(stored.value)
      this.#journal.note(() => {
        const { value, lease } = stored ?? {}
        return `  server: ${key} = ${value === undefined ? 'deleted' : value.instance === undefined ? 'garbage' : `handle ${handle} weight ${value.instance.weight} seq ${value.claim?.seq} ${value.claim?.owner}`} ${lease ?? ''}`
      })
      if (stored !== undefined) this.#replace(key, stored)
      if (stored !== undefined && handle !== undefined) this.#checkDisplaced(key, handle, stored)
      if (stored !== undefined) this.#forgetDisplaced(key, handle, stored)
      // a restored record of it may be edited before it is removed
      if (handle !== undefined && this.#gone.has(handle) && !this.standsAs(key, handle))
        this.#journal.violation(`ghost: handle ${handle} is stored again under ${key} (R6)`)
      this.#note({ key, stored })
    }
  }

  /** A backup's data replaced what was stored. It may hold records of handles that are gone. */
  restored(writes: readonly Write[]): void {
    for (const write of writes) {
      const { key, stored } = write
      this.#journal.note(() => `  server: ${key} = ${stored === undefined ? 'gone' : 'restored'}`)
      this.#restored.add(key)
      this.#note(write)
    }
  }

  /** Whether the record is as a backup brought it back. */
  isRestored(key: string): boolean {
    return this.#restored.has(key)
  }

  /** Records that a deregistration was acknowledged. */
  acknowledgedGone(handle: number): void {
    // a restored backup may show it again for a ttl
    if (this.#gone.has(handle)) return
    this.#gone.add(handle)
    for (const [key, { value }] of this.#standing)
      // the answer to a removal may arrive after the restore that brought the record back
      if (handleOf(value) === handle && !this.#restored.has(key))
        this.#journal.violation(
          `deregister of handle ${handle} resolved while ${key} is stored (R2)`,
        )
  }

  everStood(instance: ServiceInstance): boolean {
    return this.#stood.has(signature(instance))
  }

  everLeft(key: string): boolean {
    return this.#left.has(key)
  }

  /** Whether a rival's higher claim was ever stored under the key of the handle. */
  everOutranked(handle: number, key: string, owner: string): boolean {
    const mine = this.#claims.get(key)?.findLast((stood) => stood.handle === handle)?.claim
    return (this.#claims.get(key) ?? []).some(
      ({ claim }) =>
        !claim.owner.startsWith(owner) && (mine === undefined || compareClaims(claim, mine) > 0),
    )
  }

  standsAs(key: string, handle: number): boolean {
    const standing = this.#standing.get(key)
    return standing !== undefined && handleOf(standing.value) === handle
  }

  isOwner(key: string, owner: string): boolean {
    return this.#standing.get(key)?.value.claim?.owner.startsWith(owner) === true
  }

  /** Whether an edit of the handle at least as new was ever stored. */
  everReached(handle: number, weight: number): boolean {
    return (this.#highestWeight.get(handle) ?? 0) >= weight
  }

  /** Only a higher claim may replace a rival's record, and none where `onConflict` is `reject`. */
  #replace(key: string, { value }: Stored): void {
    const standing = this.#standing.get(key)
    const before = standing?.value.claim
    const { claim, instance } = value
    if (claim === undefined || before === undefined || before.owner === claim.owner) return
    const loser = standing && handleOf(standing.value)
    if (loser !== undefined) this.#displaced.set(loser, { key, by: claim, lease: standing?.lease })
    if (compareClaims(claim, before) < 0)
      this.#journal.violation(`${claim.owner} replaced the higher claim of ${before.owner} (R7)`)
    const first = instance !== undefined && !this.#highestWeight.has(handleOf(value) ?? 0)
    if (first && instance.metadata['onConflict'] === 'reject')
      this.#journal.violation(`${key} was taken over in spite of onConflict: 'reject' (R7)`)
  }

  /**
   * What stands in the winner's place with a lower claim (of a registration that yields) or with none
   * (of another client) does not tell the loser that it lost.
   */
  #forgetDisplaced(key: string, handle: number | undefined, { value: { claim } }: Stored): void {
    for (const [loser, displaced] of this.#displaced) {
      if (displaced.key !== key || loser === handle) continue
      const isLower = claim !== undefined && compareClaims(claim, displaced.by) < 0
      if (handle === undefined || isLower) this.#displaced.delete(loser)
    }
  }

  /** A session whose record was taken over does not write it again, even if the winner has left. */
  #checkDisplaced(key: string, handle: number, { value, lease }: Stored): void {
    const displaced = this.#displaced.get(handle)
    if (!this.#answersArrive || displaced === undefined || displaced.lease !== lease) return
    if (value.claim !== undefined && compareClaims(value.claim, displaced.by) < 0)
      this.#journal.violation(`${key} was taken over, and handle ${handle} is stored again (R7)`)
  }

  #note({ key, stored }: Write): void {
    if (stored?.value.instance === undefined) this.#leave(key)
    else this.#stand(key, stored.value.instance, stored.value.claim)
    if (stored === undefined) this.#standing.delete(key)
    else this.#standing.set(key, stored)
  }

  #stand(key: string, instance: ServiceInstance, claim: Claim | undefined): void {
    this.#stood.add(signature(instance))
    if (claim === undefined) return
    const claims = this.#claims.get(key) ?? []
    this.#claims.set(key, claims)
    const handle = Number(instance.metadata['handle'])
    claims.push({ handle, claim })
    const highest = this.#highestWeight.get(handle) ?? 0
    this.#highestWeight.set(handle, Math.max(highest, instance.weight))
  }

  #leave(key: string): void {
    this.#left.add(key)
    this.#left.add(serviceOf(key))
  }
}
