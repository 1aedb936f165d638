import { DesiredRegistration } from '../../../src/registration/desired-registration.ts'
import { RecordAuditor } from '../../../src/registration/record-auditor.ts'
import {
  type RegistrationEntry,
  RegistrationTable,
} from '../../../src/registration/registration-table.ts'
import { RetiredSessions } from '../../../src/session/retired-sessions.ts'
import { Backoff } from '../../../src/runtime/backoff.ts'
import { Iteration } from '../../../src/runtime/iteration.ts'
import { InstanceView } from '../../../src/watch/instance-view.ts'
import { LossProtection } from '../../../src/watch/loss-protection.ts'
import { ServedView } from '../../../src/watch/served-view.ts'
import { patchMethod, type Restore } from './patch-method.ts'

const giveUpAfter = 4

/** Faults planted into core's own classes; each function returns how to undo its fault. */
export const coreMutants: Readonly<Record<string, () => Restore>> = {
  'give up after N tries': () =>
    patchMethod(
      RegistrationTable.prototype,
      'postpone',
      (original) =>
        function (this: RegistrationTable, entries, cause) {
          original.call(this, entries, cause)
          for (const entry of entries)
            if (entry.failures >= giveUpAfter) entry.retryAtMs = Number.POSITIVE_INFINITY
        },
    ),

  'put again after deregister': () => {
    const takenBack = new Map<RegistrationEntry, DesiredRegistration>()
    const takeBack = patchMethod(
      RegistrationTable.prototype,
      'takeBack',
      (original) =>
        function (this: RegistrationTable, entry) {
          if (entry.desired !== undefined) takenBack.set(entry, entry.desired)
          original.call(this, entry)
        },
    )
    // recovery also writes deregistered instances again
    const markAllDirty = patchMethod(
      RegistrationTable.prototype,
      'markAllDirty',
      (original) =>
        function (this: RegistrationTable) {
          for (const entry of this.toRemove) {
            entry.desired = takenBack.get(entry)
            this.toRemove.delete(entry)
          }
          original.call(this)
        },
    )
    return () => {
      takeBack()
      markAllDirty()
    }
  },

  'acknowledge a removal whose create is unknown': () =>
    patchMethod(
      RegistrationTable.prototype,
      'removed',
      () =>
        function (this: RegistrationTable, entry) {
          this.acknowledgeRemoval(entry)
        },
    ),

  'hold for ever': () =>
    patchMethod(
      LossProtection.prototype,
      'judge',
      (original) =>
        function (this: LossProtection, observed, isServed, _holdMsOf, nowMs) {
          return original.call(this, observed, isServed, () => 1_000_000, nowMs)
        },
    ),

  'never end the recovery window': () =>
    patchMethod(LossProtection.prototype, 'confirm', () => () => {}),

  'protect nothing': () =>
    patchMethod(
      LossProtection.prototype,
      'judge',
      () =>
        ({ gone }) =>
          gone,
    ),

  'skip every audit': () =>
    patchMethod(RecordAuditor.prototype, 'audit', () => async () => undefined),

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

  'never become superseded': () =>
    patchMethod(DesiredRegistration.prototype, 'supersede', () => () => {}),

  'forget an earlier record when a registration is refused': () =>
    patchMethod(
      RegistrationTable.prototype,
      'release',
      (original) =>
        function (this: RegistrationTable, entry) {
          entry.stood = false
          original.call(this, entry)
        },
    ),

  'retry without growing delays': () =>
    patchMethod(Backoff.prototype, 'nextDelayMs', () => () => 2),

  'let the earlier of two calls win': () =>
    patchMethod(DesiredRegistration.prototype, 'calledBefore', () => () => false),

  'never take over from the holder of an id': () =>
    patchMethod(DesiredRegistration.prototype, 'riseAbove', () => () => false),

  'settle an iteration that is left only at the next event': () =>
    patchMethod(
      Iteration.prototype,
      'return',
      () =>
        async function (this: Iteration<unknown>) {
          await this.next()
          return { done: true, value: undefined }
        },
    ),

  'close sessions that still hold records': () =>
    patchMethod(
      RetiredSessions.prototype,
      'releaseDropped',
      () =>
        function (this: RetiredSessions) {
          this.release()
        },
    ),

  'treat every instance as settled': () =>
    patchMethod(RegistrationTable.prototype, 'isSettled', () => () => true),

  'forget that a create may still arrive': () =>
    patchMethod(RegistrationTable.prototype, 'needsFence', () => () => false),

  'protect nothing, as if the view had been empty': () =>
    patchMethod(
      LossProtection.prototype,
      'trouble',
      (original) =>
        function (this: LossProtection) {
          original.call(this, 0)
        },
    ),

  'ignore removals': () =>
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
