import { expect, test } from 'vitest'
import { failure } from '../scripted-backend.ts'
import { desire } from './desired-test-bed.ts'

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
