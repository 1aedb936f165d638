import { holdGridMs, settleMs } from '../runtime/timing.ts'

/** What loss protection is tuned by; see `LossProtectionOptions`. */
export interface LossProtectionSettings {
  readonly maxFraction: number
  readonly holdMs: number
  readonly maxHoldMs: number
  readonly minInstances: number
}

/**
 * The recovery window. `closed`: all is well. `troubled`: a sign of trouble was seen and no good
 * observation since. `settling`: good observations again, until `endsAtMs`. `baseline`: how many were
 * confirmed last: those served when the window opened, and those that came since.
 */
type Window =
  | { readonly name: 'closed' }
  | { readonly name: 'troubled'; baseline: number }
  | { readonly name: 'settling'; baseline: number; readonly endsAtMs: number }

/**
 * What is known of a key that is absent. `settling`: it waits for a moment, to be judged with the
 * next ones. `held`: the loss is too large to believe. `told`: readers know, and it counts until the
 * window ends.
 */
type Absence =
  | { readonly name: 'settling'; readonly untilMs: number; readonly longestMs: number }
  | { readonly name: 'held'; readonly untilMs: number }
  | { readonly name: 'told' }

const onGrid = (atMs: number): number => Math.ceil(atMs / holdGridMs) * holdGridMs

/**
 * Tells a registry that lost its data from instances that left. Inside a recovery window removals
 * wait for a moment, and those beyond a share of the last confirmed view are held: kept in the view
 * until they come back, or until their hold ends. A hold is anchored at the absence and never armed
 * again while it lasts, so that a true loss is told in bounded time.
 */
export class LossProtection {
  readonly #settings: LossProtectionSettings
  #window: Window = { name: 'closed' }
  readonly #absences = new Map<string, Absence>()
  /** How many are `settling` or `held`, and `settling` alone. */
  #heldCount = 0
  #settlingCount = 0
  /** No hold ends before this. */
  #nextExpiryMs = Number.POSITIVE_INFINITY

  constructor(settings: LossProtectionSettings) {
    this.#settings = settings
  }

  /** How many keys are kept in the view although they are gone. */
  get heldCount(): number {
    return this.#heldCount
  }

  /** The keys that are kept in the view although they are gone. */
  held(): readonly string[] {
    return [...this.#absences].flatMap(([key, { name }]) => (name === 'told' ? [] : [key]))
  }

  /** A sign of trouble, with the size of the view being served. What was confirmed since is the new baseline. */
  trouble(servedSize: number, nowMs: number): void {
    this.#closeIfOver(nowMs)
    if (this.#window.name === 'troubled') return
    this.#forgetTold()
    this.#window = { name: 'troubled', baseline: servedSize }
  }

  /** A good observation: from the first one after trouble the window has an end. */
  confirm(nowMs: number): void {
    this.#closeIfOver(nowMs)
    if (this.#window.name !== 'troubled') return
    const { baseline } = this.#window
    this.#window = { name: 'settling', baseline, endsAtMs: nowMs + this.#settings.holdMs }
  }

  /**
   * One observation: the keys that are there, and those that are gone. Returns those to be removed
   * now; the others are held. `isServed` tells which keys readers know; `holdMsOf` how long the owner of
   * a key may need to come back.
   */
  judge(
    observed: { readonly here: readonly string[]; readonly gone: readonly string[] },
    isServed: (key: string) => boolean,
    holdMsOf: (key: string) => number,
    nowMs: number,
  ): readonly string[] {
    this.#closeIfOver(nowMs)
    const arrived = this.#arrivals(observed.here, isServed)
    const removed = this.#judgeGone(observed.gone, holdMsOf, nowMs)
    // after the judgement: what comes in the same moment is no proof that the rest has left
    if (this.#window.name !== 'closed') this.#window.baseline += arrived
    return removed
  }

  /** The held keys whose hold has ended; they are held no more. */
  expire(nowMs: number): readonly string[] {
    if (nowMs < this.#nextExpiryMs) return []
    const over: string[] = []
    this.#nextExpiryMs = Number.POSITIVE_INFINITY
    for (const [key, absence] of this.#absences) {
      if (absence.name === 'told') continue
      if (absence.untilMs <= nowMs) over.push(key)
      else this.#nextExpiryMs = Math.min(this.#nextExpiryMs, absence.untilMs)
    }
    this.#closeIfOver(nowMs)
    for (const key of over)
      this.#set(key, this.#window.name === 'closed' ? undefined : { name: 'told' })
    return over
  }

  /** No hold ends before this time. */
  nextExpiryMs(): number {
    return this.#nextExpiryMs
  }

  /** Releases what is there again; returns how many readers had not known of. */
  #arrivals(here: readonly string[], isServed: (key: string) => boolean): number {
    let arrived = 0
    for (const key of here) {
      if (this.#absences.has(key)) this.#set(key, undefined)
      else if (!isServed(key)) arrived += 1
    }
    return arrived
  }

  #judgeGone(
    gone: readonly string[],
    holdMsOf: (key: string) => number,
    nowMs: number,
  ): readonly string[] {
    if (this.#window.name === 'closed' || gone.length === 0) return gone
    for (const key of gone) this.#set(key, { name: 'told' })
    const { maxFraction, minInstances } = this.#settings
    const { baseline } = this.#window
    if (baseline < minInstances) return gone
    const beyond = this.#absences.size > maxFraction * baseline
    if (beyond && this.#settlingCount > 0) this.#holdWhatSettles()
    return gone.filter((key) => {
      const longestMs = onGrid(nowMs + holdMsOf(key))
      const untilMs = beyond ? longestMs : Math.min(longestMs, onGrid(nowMs + settleMs))
      if (untilMs <= nowMs) return true
      this.#nextExpiryMs = Math.min(this.#nextExpiryMs, untilMs)
      this.#set(key, beyond ? { name: 'held', untilMs } : { name: 'settling', untilMs, longestMs })
      return false
    })
  }

  /** The loss turned out too large to believe: the removals that came first are held with the rest. */
  #holdWhatSettles(): void {
    for (const [key, absence] of this.#absences)
      if (absence.name === 'settling') this.#set(key, { name: 'held', untilMs: absence.longestMs })
  }

  /** The one place where keys change their state. */
  #set(key: string, absence: Absence | undefined): void {
    this.#count(this.#absences.get(key), -1)
    if (absence === undefined) this.#absences.delete(key)
    else this.#absences.set(key, absence)
    this.#count(absence, 1)
  }

  #count(absence: Absence | undefined, by: 1 | -1): void {
    if (absence === undefined || absence.name === 'told') return
    this.#heldCount += by
    if (absence.name === 'settling') this.#settlingCount += by
  }

  #forgetTold(): void {
    for (const [key, { name }] of this.#absences) if (name === 'told') this.#absences.delete(key)
  }

  #closeIfOver(nowMs: number): void {
    if (this.#window.name !== 'settling' || nowMs < this.#window.endsAtMs) return
    this.#window = { name: 'closed' }
    this.#forgetTold()
  }
}
