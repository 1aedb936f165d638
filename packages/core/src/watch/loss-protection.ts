import { settleMs } from '../runtime/timing.ts'

/** What loss protection is tuned by; see `LossProtectionOptions`. */
export interface LossProtectionSettings {
  readonly maxFraction: number
  readonly holdMs: number
  readonly minInstances: number
}

/**
 * The recovery window. `closed`: all is well. `troubled`: a sign of trouble was seen and no good
 * observation since. `settling`: good observations again, until `endsAtMs`.
 */
type Window =
  | { readonly name: 'closed' }
  | { readonly name: 'troubled'; readonly confirmedSize: number }
  | { readonly name: 'settling'; readonly confirmedSize: number; readonly endsAtMs: number }

/**
 * Tells a registry that lost its data from instances that left. Inside a recovery window
 * removals wait for a moment, and those beyond a share of the last confirmed view are held: kept in
 * the view until they come back, or until their hold ends. A hold is anchored at the first absence in its window and never
 * armed again, so that a true loss is told in bounded time.
 */
export class LossProtection {
  readonly #settings: LossProtectionSettings
  #window: Window = { name: 'closed' }
  /** Keys found absent in this window, with the time of their first absence. */
  #firstAbsentMs = new Map<string, number>()
  /** Which of them are absent now. */
  readonly #absent = new Set<string>()
  /** Held keys, with the time at which they are let go. */
  readonly #held = new Map<string, number>()
  /** Of the held keys those that only wait for a moment, with how long they would be held otherwise. */
  readonly #settling = new Map<string, number>()

  constructor(settings: LossProtectionSettings) {
    this.#settings = settings
  }

  get held(): ReadonlyMap<string, number> {
    return this.#held
  }

  /** A sign of trouble, with the size of the view being served. */
  trouble(servedSize: number, nowMs: number): void {
    this.#closeIfOver(nowMs)
    const { confirmedSize } =
      this.#window.name === 'closed' ? { confirmedSize: servedSize } : this.#window
    this.#window = { name: 'troubled', confirmedSize }
  }

  /** A good observation: from the first one after trouble the window has an end. */
  confirm(nowMs: number): void {
    this.#closeIfOver(nowMs)
    if (this.#window.name !== 'troubled') return
    const { confirmedSize } = this.#window
    this.#window = { name: 'settling', confirmedSize, endsAtMs: nowMs + this.#settings.holdMs }
  }

  /** These keys are there: whatever was held of them is released. */
  present(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#absent.delete(key)
      this.#held.delete(key)
      this.#settling.delete(key)
    }
  }

  /**
   * These keys are gone, says the backend. Returns those to be removed now; the others are held.
   * `holdMsOf` is how long the owner of a key may need to come back.
   */
  judge(
    gone: readonly string[],
    holdMsOf: (key: string) => number,
    nowMs: number,
  ): readonly string[] {
    this.#closeIfOver(nowMs)
    if (this.#window.name === 'closed') return gone
    for (const key of gone) {
      this.#absent.add(key)
      if (!this.#firstAbsentMs.has(key)) this.#firstAbsentMs.set(key, nowMs)
    }
    const { maxFraction, minInstances } = this.#settings
    const { confirmedSize } = this.#window
    if (confirmedSize < minInstances) return gone
    const beyond = this.#absent.size > maxFraction * confirmedSize
    if (beyond) this.#holdWhatSettles()
    return gone.filter((key) => {
      const firstMs = this.#firstAbsentMs.get(key) ?? nowMs
      const longestMs = firstMs + holdMsOf(key)
      const untilMs = beyond ? longestMs : Math.min(longestMs, firstMs + settleMs)
      if (untilMs <= nowMs) return true
      this.#held.set(key, untilMs)
      if (!beyond) this.#settling.set(key, longestMs)
      return false
    })
  }

  /** The held keys whose hold has ended; they are held no more. */
  expire(nowMs: number): readonly string[] {
    const over = [...this.#held].filter(([, untilMs]) => untilMs <= nowMs).map(([key]) => key)
    for (const key of over) {
      this.#held.delete(key)
      this.#settling.delete(key)
    }
    return over
  }

  /** When the next hold ends. */
  nextExpiryMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const untilMs of this.#held.values()) nextMs = Math.min(nextMs, untilMs)
    return nextMs
  }

  /** The loss turned out too large to believe: the removals that came first are held with the rest. */
  #holdWhatSettles(): void {
    for (const [key, untilMs] of this.#settling) this.#held.set(key, untilMs)
    this.#settling.clear()
  }

  #closeIfOver(nowMs: number): void {
    if (this.#window.name !== 'settling' || nowMs < this.#window.endsAtMs) return
    this.#window = { name: 'closed' }
    this.#absent.clear()
    this.#firstAbsentMs = new Map([...this.#firstAbsentMs].filter(([key]) => this.#held.has(key)))
  }
}
