import type { PutOutcome } from '../driver/registry-driver.ts'
import type { Claim } from '../model/claim.ts'
import { RegistryError } from '../registry-error.ts'
import { withDeadline } from '../runtime/abort.ts'
import { inBatches } from '../runtime/batches.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import type { InstanceSlot } from './instance-slot.ts'
import type { LiveSession } from './live-session.ts'
import type { RetryPolicy } from './retry-policy.ts'
import type { SlotTable } from './slot-table.ts'
import type { SupervisorContext } from './supervisor-context.ts'

/** How many batches are on their way at once. */
const parallelBatches = 8

interface Sent {
  readonly slot: InstanceSlot
  readonly desired: DesiredRegistration
  readonly version: number
}

/** Writes what is desired into the live session, in batches, and draws the conclusion for each. */
export class SlotWriter {
  readonly #context: SupervisorContext
  readonly #table: SlotTable
  readonly #retry: RetryPolicy

  constructor(context: SupervisorContext, table: SlotTable, retry: RetryPolicy) {
    this.#context = context
    this.#table = table
    this.#retry = retry
  }

  async writeDue(live: LiveSession): Promise<void> {
    const limits = { size: this.#context.driver.capabilities.maxBatch, parallel: parallelBatches }
    await inBatches(this.#retry.due(this.#table.toPut), limits, (slots) => this.#write(live, slots))
  }

  async #write(live: LiveSession, slots: readonly InstanceSlot[]): Promise<void> {
    const sent = slots.flatMap((slot): Sent[] => {
      const { desired } = slot
      return desired === undefined ? [] : [{ slot, desired, version: desired.version }]
    })
    if (sent.length === 0) return
    const { backend, clock, callTimeoutMs } = this.#context
    const subject = { backend, operation: 'put', service: sent[0]?.slot.service }
    const requests = sent.map(({ desired }) => desired.request(live.session.grantedTtlMs))
    let outcomes: readonly PutOutcome[]
    for (const { slot } of sent) slot.attempted = true
    try {
      outcomes = await withDeadline(clock, callTimeoutMs, live.signal, subject, (signal) =>
        live.session.put(requests, signal),
      )
    } catch (thrown) {
      await this.#failed(live, sent, RegistryError.from(thrown, subject))
      return
    }
    sent.forEach((item, index) => this.#conclude(live, item, outcomes[index]))
  }

  /** The batch failed as a whole. */
  async #failed(live: LiveSession, sent: readonly Sent[], cause: RegistryError): Promise<void> {
    if (cause.retryable || live.signal.aborted) {
      for (const { slot, desired } of sent) {
        // a late update is fenced by the driver's comparison, a late create is not; and an update
        // turns out a create where somebody else has deleted the record
        slot.unknownIn.add(live.id)
        if (cause.retryable) desired.disturbed(cause)
      }
      this.#retry.later(
        sent.map(({ slot }) => slot),
        cause,
      )
      if (cause.code === 'session-lost') live.lose(cause)
      return
    }
    const [first] = sent
    if (first !== undefined && sent.length === 1) {
      this.#refused(live, first, cause)
      return
    }
    // one forbidden key fails a whole transaction: find it without harming its neighbours
    const middle = Math.ceil(sent.length / 2)
    await this.#write(
      live,
      sent.slice(0, middle).map(({ slot }) => slot),
    )
    await this.#write(
      live,
      sent.slice(middle).map(({ slot }) => slot),
    )
  }

  #conclude(live: LiveSession, sent: Sent, outcome: PutOutcome | undefined): void {
    const { slot, desired, version } = sent
    switch (outcome?.result) {
      case 'written':
        slot.stood = true
        slot.writtenIn = live.id
        slot.settledIn = live.id
        slot.failures = 0
        // taken back or registered again meanwhile: the record stands, but it is not what is wanted
        if (slot.desired !== desired) break
        slot.writtenVersion = version
        slot.settleRemoval()
        desired.written(version)
        if (!slot.needsPut(live.id)) this.#table.toPut.delete(slot)
        break
      case 'conflict':
        if (slot.desired === desired) this.#outranked(live, sent, outcome.holder)
        break
      case 'error':
        this.#refused(live, sent, outcome.error)
        break
      case undefined: {
        const { backend } = this.#context
        const message = 'the driver answered with fewer outcomes than requests'
        this.#refused(
          live,
          sent,
          new RegistryError('internal', { backend, operation: 'put', message }),
        )
      }
    }
  }

  #outranked(live: LiveSession, { slot, desired }: Sent, holder: Claim | undefined): void {
    slot.settledIn = live.id
    if (!desired.everWritten && desired.onConflict === 'takeover' && holder !== undefined) {
      desired.raiseAbove(holder)
      return
    }
    const cause = desired.error('conflict', holder)
    if (desired.everWritten) desired.outranked(cause)
    else desired.refused(cause)
    this.#table.release(slot)
  }

  #refused(live: LiveSession, { slot, desired }: Sent, cause: RegistryError): void {
    if (slot.desired !== desired) return
    if (cause.retryable) {
      desired.disturbed(cause)
      this.#retry.later([slot], cause)
      return
    }
    slot.settledIn = live.id
    if (desired.everWritten) {
      desired.disturbed(cause)
      this.#retry.later([slot], cause)
      return
    }
    desired.refused(cause)
    this.#table.release(slot)
  }
}
