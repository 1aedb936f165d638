import { expect, test } from 'vitest'
import { HeartbeatTimes } from '../../src/session/heartbeat-times.ts'
import { ManualClock } from '../manual-clock.ts'

/** Two threads, whose clocks have different origins. */
const twoThreads = async () => {
  const [loop, worker] = [new ManualClock(), new ManualClock()]
  await worker.advance(5_000_000)
  const times = new HeartbeatTimes(loop)
  return { loop, worker, times, theirs: new HeartbeatTimes(worker, times.buffer) }
}

/** Manual clocks stand still while the clock of the process goes on. */
const slackMs = 10_000

const expectAgo = (clock: ManualClock, timeMs: number, agoMs: number): void => {
  expect(clock.monotonicMs() - timeMs).toBeGreaterThanOrEqual(agoMs - 1)
  expect(clock.monotonicMs() - timeMs).toBeLessThan(agoMs + slackMs)
}

test('each thread reads the times of the other on its own clock', async () => {
  const { loop, worker, times, theirs } = await twoThreads()
  times.live()
  expectAgo(worker, theirs.signOfLifeMs, 0)
  theirs.renewed(worker.monotonicMs() - 20_000)
  expectAgo(loop, times.renewedMs, 20_000)
})

test('an earlier renewal that is answered late does not move the time back', async () => {
  const { loop, worker, times, theirs } = await twoThreads()
  theirs.renewed(worker.monotonicMs())
  times.renewed(loop.monotonicMs() - 60_000)
  expectAgo(loop, times.renewedMs, 0)
})
