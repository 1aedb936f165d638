import { expect, test } from 'vitest'
import { DesiredRegistration } from '../../src/registration/desired-registration.ts'
import { ManualClock } from '../manual-clock.ts'
import { failure } from '../scripted-backend.ts'
import { instance } from './supervisor-test-bed.ts'

/** A registration, with how long each acknowledgement of everything took. */
const desire = () => {
  const clock = new ManualClock()
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

test('is registered with its first acknowledgement, and again only with that of all it wants', () => {
  const { desired } = desire()
  const { instance: wanted } = desired
  desired.edit(wanted)
  desired.written(1)
  expect(desired.status.value.state).toBe('registered')
  desired.disturb(failure('unavailable'))
  desired.written(1)
  expect(desired.status.value.state).toBe('recovering')
  desired.written(2)
  expect(desired.status.value.state).toBe('registered')
})

test('measures from the first change that is not acknowledged, whatever fails after it', async () => {
  const { clock, desired, acknowledgedMs } = desire()
  desired.written(1)
  const version = desired.edit(desired.instance)
  await clock.advance(30)
  desired.disturb(failure('unavailable'))
  await clock.advance(20)
  desired.written(version)
  expect(acknowledgedMs).toEqual([0, 50])
})
