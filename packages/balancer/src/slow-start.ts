import type { Clock, Timer } from '@sd/core'
import type { Member } from './member.ts'

/** How new instances get their share of calls. */
export interface SlowStartOptions {
  /** How long until an instance has its full weight. Default 30,000 ms. */
  readonly windowMs?: number | undefined
  /** Above 1 the weight grows faster at first, below 1 slower. 0.1…10, default 1: linear. */
  readonly aggression?: number | undefined
  /** What an instance begins with, in percent of its weight. 0.1…100, default 10. */
  readonly minWeightPercent?: number | undefined
}

/** `SlowStartOptions` with every default filled in. */
export type ResolvedSlowStart = Required<{ [Key in keyof SlowStartOptions]: number }>

/** Weights grow in so many steps. */
const steps = 50
const leastStepMs = 10

/**
 * Increases the calls to a new instance gradually, so that caches and compilers warm up: weight ×
 * max(minimum, (age ÷ window)^(1 ÷ aggression)), as Envoy's slow start mode does.
 */
export class SlowStart {
  readonly #options: ResolvedSlowStart
  readonly #clock: Clock
  readonly #onWarmth: (member: Member, warmth: number) => void
  /** When each member began. */
  readonly #began = new Map<Member, number>()
  #timer: Timer | undefined

  /** `onWarmth` changes a member's warmth. */
  constructor(
    options: ResolvedSlowStart,
    clock: Clock,
    onWarmth: (member: Member, warmth: number) => void,
  ) {
    this.#options = options
    this.#clock = clock
    this.#onWarmth = onWarmth
  }

  begin(member: Member): void {
    const nowMs = this.#clock.monotonicMs()
    this.#began.set(member, nowMs)
    this.#onWarmth(member, this.#warmthAt(0))
    this.#arm()
  }

  forget(member: Member): void {
    if (this.#began.delete(member) && this.#began.size === 0) this.close()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    const stepMs = Math.max(leastStepMs, this.#options.windowMs / steps)
    this.#timer ??= this.#clock.setTimer(stepMs, () => {
      this.#timer = undefined
      this.#grow()
      if (this.#began.size > 0) this.#arm()
    })
  }

  #grow(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [member, beganMs] of this.#began) {
      const warmth = this.#warmthAt(nowMs - beganMs)
      if (warmth === 1) this.#began.delete(member)
      this.#onWarmth(member, warmth)
    }
  }

  #warmthAt(ageMs: number): number {
    const { windowMs, aggression, minWeightPercent } = this.#options
    if (ageMs >= windowMs) return 1
    return Math.max(minWeightPercent / 100, (ageMs / windowMs) ** (1 / aggression))
  }
}
