import type { RemoveOutcome } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { withDeadline } from '../runtime/abort.ts'
import { inBatches } from '../runtime/batches.ts'
import type { InstanceSlot } from './instance-slot.ts'
import type { LiveSession } from './live-session.ts'
import type { RetryPolicy } from './retry-policy.ts'
import type { SlotTable } from './slot-table.ts'
import type { SupervisorContext } from './supervisor-context.ts'

const parallelBatches = 8

/** Removes what tombstones stand for, and repeats it until each removal is acknowledged. */
export class SlotRemover {
  readonly #context: SupervisorContext
  readonly #table: SlotTable
  readonly #retry: RetryPolicy

  constructor(context: SupervisorContext, table: SlotTable, retry: RetryPolicy) {
    this.#context = context
    this.#table = table
    this.#retry = retry
  }

  /** One round over the tombstones that are due. */
  async removeDue(live: LiveSession): Promise<void> {
    const limits = { size: this.#context.driver.capabilities.maxBatch, parallel: parallelBatches }
    await inBatches(this.#retry.due(this.#table.toRemove), limits, (slots) =>
      this.#remove(live, slots),
    )
  }

  async #remove(live: LiveSession, slots: readonly InstanceSlot[]): Promise<void> {
    const { backend, owner, clock, callTimeoutMs } = this.#context
    const subject = { backend, operation: 'remove', service: slots[0]?.service }
    let outcomes: readonly RemoveOutcome[]
    try {
      const refs = slots.map((slot) => slot.ref(owner))
      outcomes = await withDeadline(clock, callTimeoutMs, live.signal, subject, (signal) =>
        live.session.remove(refs, signal),
      )
    } catch (thrown) {
      await this.#failed(live, slots, RegistryError.from(thrown, subject))
      return
    }
    slots.forEach((slot, index) => this.#conclude(slot, outcomes[index]))
  }

  async #failed(
    live: LiveSession,
    slots: readonly InstanceSlot[],
    cause: RegistryError,
  ): Promise<void> {
    if (cause.retryable || live.signal.aborted || slots.length === 1) {
      this.#retry.later(slots, cause)
      if (cause.code === 'session-lost') live.lose(cause)
      return
    }
    const middle = Math.ceil(slots.length / 2)
    await this.#remove(live, slots.slice(0, middle))
    await this.#remove(live, slots.slice(middle))
  }

  #conclude(slot: InstanceSlot, outcome: RemoveOutcome | undefined): void {
    // registered again meanwhile: the new record is what counts
    if (slot.desired !== undefined) return
    if (outcome === undefined || outcome.result === 'error') {
      const cause =
        outcome?.error ??
        new RegistryError('internal', {
          backend: this.#context.backend,
          operation: 'remove',
          message: 'the driver answered with fewer outcomes than requests',
        })
      this.#retry.later([slot], cause)
      return
    }
    this.#table.removed(slot)
  }
}
