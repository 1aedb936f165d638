import type { Audit } from '../driver/registry-driver.ts'
import { claimWins } from '../model/claim.ts'
import { RegistryError } from '../registry-error.ts'
import { withDeadline } from '../runtime/abort.ts'
import { inBatches } from '../runtime/batches.ts'
import type { InstanceSlot } from './instance-slot.ts'
import type { LiveSession } from './live-session.ts'
import type { SlotTable } from './slot-table.ts'
import type { SupervisorContext } from './supervisor-context.ts'

const parallelBatches = 2

interface Asked {
  readonly slot: InstanceSlot
  readonly version: number
}

/**
 * Asks whether our records still stand as we wrote them: a deletion or a takeover cannot be seen
 * from a lease, and watching our own services would cost a change of every peer.
 */
export class SlotAuditor {
  readonly #context: SupervisorContext
  readonly #table: SlotTable

  constructor(context: SupervisorContext, table: SlotTable) {
    this.#context = context
    this.#table = table
  }

  /** Audits everything that should stand; throws when the backend did not answer. */
  async audit(live: LiveSession): Promise<void> {
    const settled = [...this.#table.all()].filter(
      (slot) => slot.desired !== undefined && !slot.needsPut(live.id),
    )
    const limits = { size: this.#context.driver.capabilities.maxBatch, parallel: parallelBatches }
    await inBatches(settled, limits, (slots) => this.#audit(live, slots))
  }

  async #audit(live: LiveSession, slots: readonly InstanceSlot[]): Promise<void> {
    const { backend, owner, clock, callTimeoutMs } = this.#context
    const subject = { backend, operation: 'audit', service: slots[0]?.service }
    const asked = slots.map((slot): Asked => ({ slot, version: slot.writtenVersion }))
    const refs = slots.map((slot) => slot.ref(owner))
    const audits = await withDeadline(clock, callTimeoutMs, live.signal, subject, (signal) =>
      live.session.audit(refs, signal),
    )
    asked.forEach((item, index) => this.#conclude(live, item, audits[index]))
  }

  #conclude(live: LiveSession, { slot, version }: Asked, audit: Audit | undefined): void {
    const { desired } = slot
    // written or taken back while we asked: the answer is about the past
    if (desired === undefined || slot.writtenVersion !== version || slot.needsPut(live.id)) return
    if (audit === undefined || audit.state === 'ours') return
    const { backend, publish } = this.#context
    const { service, id } = slot
    const claim = audit.record?.claim
    publish('registration', 'warn', `record-${audit.state}`, `the record was ${audit.state}`, {
      service,
      id,
    })
    if (audit.state === 'replaced' && claim !== undefined && !claimWins(desired.claim, claim)) {
      desired.outranked(desired.error('conflict', claim))
      this.#table.release(slot)
      return
    }
    const adopted =
      audit.state === 'edited' &&
      claim?.owner === desired.claim.owner &&
      claim.claimedAtMs === desired.claim.claimedAtMs &&
      claim.seq > desired.claim.seq
    if (adopted && audit.record !== undefined) desired.adopt(audit.record)
    const message = `somebody else's change of the record (${audit.state}) is being undone`
    desired.disturbed(
      new RegistryError('conflict', { backend, operation: 'audit', service, message }),
    )
    slot.writtenIn = undefined
    slot.retryAtMs = 0
    this.#table.toPut.add(slot)
  }
}
