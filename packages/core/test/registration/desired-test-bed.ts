import { DesiredRegistration } from '../../src/registration/desired-registration.ts'
import { ManualClock } from '../manual-clock.ts'
import { instance } from './supervisor-test-bed.ts'

/** A registration of a/1, with how long each acknowledgement of all that it wants took. */
export const desire = ({ clock = new ManualClock() } = {}) => {
  const acknowledgedMs: number[] = []
  const desired = new DesiredRegistration({
    backend: 'scripted',
    clock,
    instance: { ...instance('a', '1'), weight: 1, health: 'passing', tags: [], metadata: {} },
    claim: { owner: 'o', claimedAtMs: 1, seq: 0 },
    onConflict: 'takeover',
    checked: { health: 'passing' },
    onStatus: () => {},
    onAcknowledged: (_, durationMs) => acknowledgedMs.push(durationMs),
  })
  return { clock, desired, acknowledgedMs }
}
