import { DesiredRegistration } from '../../../src/supervisor/desired-registration.ts'
import type { InstanceSlot } from '../../../src/supervisor/instance-slot.ts'
import { RetiredSessions } from '../../../src/supervisor/retired-sessions.ts'
import { RetryPolicy } from '../../../src/supervisor/retry-policy.ts'
import { SlotAuditor } from '../../../src/supervisor/slot-auditor.ts'
import { SlotTable } from '../../../src/supervisor/slot-table.ts'
import { InstanceView } from '../../../src/watch/instance-view.ts'
import { LossProtection } from '../../../src/watch/loss-protection.ts'
import { ServedView } from '../../../src/watch/served-view.ts'
import { patchMethod, type Restore } from './patch-method.ts'

const giveUpAfter = 4

/** Faults planted into core's own classes; each is undone by what it returns. */
export const coreMutants: Readonly<Record<string, () => Restore>> = {
  'give up after N tries': () =>
    patchMethod(
      RetryPolicy.prototype,
      'later',
      (original) =>
        function (this: RetryPolicy, slots, cause) {
          original.call(this, slots, cause)
          for (const slot of slots)
            if (slot.failures >= giveUpAfter) slot.retryAtMs = Number.POSITIVE_INFINITY
        },
    ),

  'put again after deregister': () => {
    const buried = new Map<InstanceSlot, DesiredRegistration>()
    const bury = patchMethod(
      SlotTable.prototype,
      'bury',
      (original) =>
        function (this: SlotTable, slot) {
          if (slot.desired !== undefined) buried.set(slot, slot.desired)
          original.call(this, slot)
        },
    )
    // recovery writes all it ever knew, tombstones included
    const dirtyAll = patchMethod(
      SlotTable.prototype,
      'dirtyAll',
      (original) =>
        function (this: SlotTable) {
          for (const slot of this.toRemove) {
            slot.desired = buried.get(slot)
            this.toRemove.delete(slot)
          }
          original.call(this)
        },
    )
    return () => {
      bury()
      dirtyAll()
    }
  },

  'acknowledge a removal whose create is unknown': () =>
    patchMethod(
      SlotTable.prototype,
      'removed',
      () =>
        function (this: SlotTable, slot) {
          this.acknowledgeRemoval(slot)
        },
    ),

  'arm a hold again for ever': () =>
    patchMethod(
      LossProtection.prototype,
      'expire',
      (original) =>
        function (this: LossProtection, nowMs) {
          const held = this.held as Map<string, number>
          for (const key of original.call(this, nowMs)) held.set(key, nowMs + 3_000)
          return []
        },
    ),

  'never end the recovery window': () =>
    patchMethod(LossProtection.prototype, 'confirm', () => () => {}),

  'protect nothing': () => patchMethod(LossProtection.prototype, 'judge', () => (gone) => gone),

  'believe that nobody touches our records': () =>
    patchMethod(SlotAuditor.prototype, 'audit', () => async () => {}),

  'stay stale': () => patchMethod(ServedView.prototype, 'confirm', () => () => {}),

  'close the old session first': () =>
    patchMethod(
      RetiredSessions.prototype,
      'add',
      (original) =>
        function (this: RetiredSessions, live) {
          original.call(this, live)
          this.release()
        },
    ),

  'leave old sessions open': () =>
    patchMethod(RetiredSessions.prototype, 'release', () => () => {}),

  'never admit to be superseded': () =>
    patchMethod(DesiredRegistration.prototype, 'outranked', () => () => {}),

  'forget an earlier record when a registration is refused': () =>
    patchMethod(
      SlotTable.prototype,
      'release',
      (original) =>
        function (this: SlotTable, slot) {
          slot.stood = false
          original.call(this, slot)
        },
    ),

  'miss what is removed': () =>
    patchMethod(
      InstanceView.prototype,
      'apply',
      (original) =>
        function (this: InstanceView, observation) {
          return original.call(
            this,
            observation.type === 'changes' ? { ...observation, removed: [] } : observation,
          )
        },
    ),
}
