import type { Clock, Timer } from '@sd/core'
import type { BalancerNews, EjectionReason } from '../diagnostics.ts'
import type { Member } from '../member.ts'
import { CallCounts } from './call-counts.ts'
import type { ResolvedOutlier } from './outlier-options.ts'
import { highFailurePercentages, lowSuccessRates } from './outlying-rates.ts'

/** What outlier detection needs from its picker. */
export interface OutlierParts {
  readonly options: ResolvedOutlier
  readonly clock: Clock
  /** Called when the member was ejected or has returned. */
  readonly onChange: (member: Member) => void
  readonly tell: (news: BalancerNews) => void
}

/**
 * Ejects members that fail for a while. Success rate, failure percentage, the duration and the
 * number of ejections follow gRFC A50. Consecutive errors follow Envoy, and work with too few calls
 * for rates.
 */
export class OutlierDetection {
  readonly #options: ResolvedOutlier
  readonly #clock: Clock
  readonly #parts: OutlierParts
  readonly #members = new Set<Member>()
  readonly #ejected = new Set<Member>()
  /** A call ended since the last sweep. */
  #called = false
  #timer: Timer | undefined

  constructor(parts: OutlierParts) {
    this.#parts = parts
    this.#options = parts.options
    this.#clock = parts.clock
  }

  /** Whether the member is ejected. */
  hasEjected(member: Member): boolean {
    return this.#ejected.has(member)
  }

  /** Starts to count the member. */
  enter(member: Member): void {
    const counts = (member.counts ??= new CallCounts())
    this.#members.add(member)
    if (counts.ejectedAtMs !== undefined) {
      if (this.#isOver(counts, this.#clock.monotonicMs())) counts.ejectedAtMs = undefined
      else this.#ejected.add(member)
    }
    this.#arm()
  }

  /** Stops counting the member. Its counts are kept. */
  leave(member: Member): void {
    this.#members.delete(member)
    this.#ejected.delete(member)
  }

  /** A call to the member has ended. */
  settled(member: Member, failed: boolean): void {
    const { counts } = member
    if (counts === undefined || !this.#members.has(member)) return
    this.#called = true
    if (this.#timer === undefined) this.#arm()
    if (!failed) {
      counts.successes += 1
      counts.failedInARow = 0
      return
    }
    counts.failures += 1
    counts.failedInARow += 1
    const { consecutiveErrors } = this.#options
    if (consecutiveErrors !== false && counts.failedInARow >= consecutiveErrors)
      this.#eject(member, counts, 'consecutive-errors')
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    if (!this.#called && this.#ejected.size === 0) return
    this.#timer ??= this.#clock.setTimer(this.#options.intervalMs, () => {
      this.#timer = undefined
      this.#sweep()
      this.#arm()
    })
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#called = false
    const all: (readonly [Member, CallCounts])[] = []
    for (const member of this.#members) {
      const { counts } = member
      if (counts === undefined) continue
      counts.turn()
      all.push([member, counts])
    }
    const { successRate, failurePercentage } = this.#options
    const eject = (members: readonly Member[], reason: EjectionReason): void => {
      for (const member of members)
        if (member.counts !== undefined) this.#eject(member, member.counts, reason)
    }
    if (successRate !== false) eject(lowSuccessRates(all, successRate), 'success-rate')
    if (failurePercentage !== false)
      eject(highFailurePercentages(all, failurePercentage), 'failure-percentage')
    for (const [member, counts] of all) {
      if (counts.ejectedAtMs === undefined) {
        if (counts.ejections > 0) {
          counts.ejections -= 1
          // the multiplier goes down in each interval, also without calls
          this.#called ||= counts.ejections > 0
        }
      } else if (this.#isOver(counts, nowMs)) this.#return(member, counts)
    }
  }

  #isOver({ ejectedAtMs = 0, ejections }: CallCounts, nowMs: number): boolean {
    return nowMs >= ejectedAtMs + this.#lengthMs(ejections)
  }

  #lengthMs(ejections: number): number {
    const { baseEjectionMs, maxEjectionMs } = this.#options
    return Math.min(baseEjectionMs * ejections, Math.max(baseEjectionMs, maxEjectionMs))
  }

  #eject(member: Member, counts: CallCounts, reason: EjectionReason): void {
    const percent = (100 * this.#ejected.size) / this.#members.size
    if (counts.ejectedAtMs !== undefined || percent >= this.#options.maxEjectionPercent) return
    counts.ejectedAtMs = this.#clock.monotonicMs()
    counts.ejections += 1
    counts.failedInARow = 0
    this.#ejected.add(member)
    const forMs = this.#lengthMs(counts.ejections)
    this.#parts.tell({ event: 'instance-ejected', id: member.id, reason, forMs })
    this.#parts.onChange(member)
    this.#arm()
  }

  #return(member: Member, counts: CallCounts): void {
    counts.ejectedAtMs = undefined
    counts.failedInARow = 0
    this.#ejected.delete(member)
    // the multiplier must still go down
    this.#called = true
    this.#parts.tell({ event: 'instance-returned', id: member.id })
    this.#parts.onChange(member)
  }
}
