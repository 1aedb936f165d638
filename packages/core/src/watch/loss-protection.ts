import { holdGridMs, settleMs } from '../runtime/timing.ts'

/** The settings of loss protection; see `LossProtectionOptions`. */
export interface LossProtectionSettings {
  readonly maxFraction: number
  readonly holdMs: number
  readonly maxHoldMs: number
  readonly minInstances: number
}

/**
 * The recovery window. `closed`: no trouble. `troubled`: a sign of trouble, and no good observation
 * since. `settling`: good observations again, until `endsAtMs`. `baseline`: the number of keys last
 * confirmed, which is those served when the window opened plus those that arrived since.
 */
type Window =
  | { readonly name: 'closed' }
  | { readonly name: 'troubled'; baseline: number }
  | { readonly name: 'settling'; baseline: number; readonly endsAtMs: number }

/**
 * The state of an absent key. `settling`: it waits briefly, to be judged with the next ones. `held`:
 * the loss is too large to accept at once. `told`: the removal was delivered to readers, and counts
 * until the window ends.
 */
type Absence =
  | { readonly name: 'settling'; readonly untilMs: number; readonly longestMs: number }
  | { readonly name: 'held'; readonly untilMs: number }
  | { readonly name: 'told' }

const onGrid = (atMs: number): number => Math.ceil(atMs / holdGridMs) * holdGridMs

/**
 * Distinguishes a registry that lost its data from instances that left. Inside a recovery window
 * removals wait briefly, and those beyond a share of the last confirmed view are held: kept in the
 * view until they come back, or until their hold ends. A hold starts at the absence and is never
 * extended, so that a real loss is delivered in bounded time.
 */
export class LossProtection {
  readonly #settings: LossProtectionSettings
  #window: Window = { name: 'closed' }
  readonly #absences = new Map<string, Absence>()
  /** The number of keys that are `settling` or `held`, and of those that are `settling`. */
  #heldCount = 0
  #settlingCount = 0
  /** No hold ends before this. */
  #nextExpiryMs = Number.POSITIVE_INFINITY

  constructor(settings: LossProtectionSettings) {
    this.#settings = settings
  }

  /** The number of keys kept in the view although they are gone. */
  get heldCount(): number {
    return this.#heldCount
  }

  /** The keys kept in the view although they are gone. */
  held(): readonly string[] {
    return [...this.#absences].flatMap(([key, { name }]) => (name === 'told' ? [] : [key]))
  }

  /** Whether no key is absent and no window is open: then nothing is to be judged or to expire. */
  get idle(): boolean {
    return this.#window.name === 'closed' && this.#absences.size === 0
  }

  /** Whether there was no good observation since the last sign of trouble. */
  get troubled(): boolean {
    return this.#window.name === 'troubled'
  }

  /** Reports a sign of trouble, with the size of the served view as the new baseline. */
  trouble(servedSize: number): void {
    if (this.#window.name === 'troubled') return
    this.#forgetTold()
    this.#window = { name: 'troubled', baseline: servedSize }
  }

  /** Reports a good observation; the first one after trouble sets the end of the window. */
  confirm(nowMs: number): void {
    if (this.#window.name !== 'troubled') return
    const { baseline } = this.#window
    this.#window = { name: 'settling', baseline, endsAtMs: nowMs + this.#settings.holdMs }
  }

  /**
   * Judges one observation: the keys that are present, and those that are gone. Returns the keys to
   * remove now; the others are held. `isServed` tells which keys readers know, `holdMsOf` how long
   * the owner of a key may need to come back.
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
    // after the judgement: an arrival in the same observation does not prove that the rest has left
    if (this.#window.name !== 'closed') this.#window.baseline += arrived
    return removed
  }

  /** Releases and returns the keys whose hold has ended. */
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

  /** Releases keys that are present again; returns the number of keys new to readers. */
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

  /** Holds the settling removals too, as the loss turned out too large to accept at once. */
  #holdWhatSettles(): void {
    for (const [key, absence] of this.#absences)
      if (absence.name === 'settling') this.#set(key, { name: 'held', untilMs: absence.longestMs })
  }

  /** Makes every state change of a key. */
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
