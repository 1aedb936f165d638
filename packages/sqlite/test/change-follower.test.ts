import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ChangeFollower } from '../src/worker/change-follower.ts'
import type { Changes, HistoryPosition } from '../src/worker/store-api.ts'

const position = (revision: number): HistoryPosition => ({ epoch: '0123456789abcdef-7', revision })
const touched = [{ key: 'orders/1', document: undefined }]

let folder: string
let follower: ChangeFollower

/** What the file holds: its revision, and the revision of the namespace's last change. */
const stored = { revision: 1, changed: 1 }
const changesSince = vi.fn<(since: HistoryPosition) => Changes | undefined>()
const sweep = vi.fn<() => void>()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sd-follower-'))
  Object.assign(stored, { revision: 1, changed: 1 })
  changesSince.mockReset().mockImplementation(({ revision }) => ({
    position: position(stored.revision),
    touched: stored.changed > revision ? touched : [],
  }))
  sweep.mockReset()
  follower = new ChangeFollower({ changesSince, sweep }, join(folder, 'registry.db'))
})
afterEach(async () => {
  vi.useRealTimers()
  follower.unfollow()
  await rm(folder, { recursive: true })
})

const polls = (): number => changesSince.mock.calls.length

/** What the system reports of a write to the file or its log. */
const write = (): Promise<void> => writeFile(join(folder, 'registry.db-wal'), 'x')

test('answers when the namespace has changed, and not when another one has', async () => {
  const answered = vi.fn<() => void>()
  const following = follower.follow(position(1)).finally(answered)
  stored.revision = 5
  const before = polls()
  await write()
  await expect.poll(polls).toBeGreaterThan(before)
  expect(answered).not.toHaveBeenCalled()
  Object.assign(stored, { revision: 6, changed: 6 })
  await write()
  expect(await following).toEqual({ position: position(6), touched })
})

test('finds a change that is committed some time after its last report', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const following = follower.follow(position(1))
  vi.advanceTimersByTime(10)
  const before = polls()
  await write()
  await expect.poll(polls).toBeGreaterThan(before)
  // beyond the repeat that a second report of the same write causes
  vi.advanceTimersByTime(2)
  Object.assign(stored, { revision: 2, changed: 2 })
  vi.advanceTimersByTime(10)
  expect(changesSince).toHaveLastReturnedWith({ position: position(2), touched })
  expect(await following).toEqual({ position: position(2), touched })
})

test('polls where no write is reported', async () => {
  const following = follower.follow(position(1))
  Object.assign(stored, { revision: 2, changed: 2 })
  expect(await following).toEqual({ position: position(2), touched })
})

test('reports a position far ahead, so that it does not become too old to resume from', async () => {
  const following = follower.follow(position(1))
  stored.revision = 10_000
  expect(await following).toEqual({ position: position(10_000), touched: [] })
})

test('ends a request at what was delivered, when another one begins or none is left', async () => {
  const first = follower.follow(position(1))
  await expect.poll(polls).toBeGreaterThan(0)
  const second = follower.follow(position(1))
  expect(await first).toEqual({ position: position(1), touched: [] })
  follower.unfollow()
  expect(await second).toEqual({ position: position(1), touched: [] })
})

test('starts from an earlier position, for an observation that began there', async () => {
  Object.assign(stored, { revision: 9, changed: 9 })
  const late = follower.follow(position(9))
  await expect.poll(polls).toBeGreaterThan(0)
  const earlier = follower.follow(position(8))
  await late
  expect(await earlier).toEqual({ position: position(9), touched })
})

test('checks the sessions after the changes, also while changes go on', async () => {
  const order: string[] = []
  sweep.mockImplementation(() => void order.push('sweep'))
  let since = position(1)
  const deadlineMs = performance.now() + 10_000
  while (order.filter((step) => step === 'sweep').length < 3) {
    expect(performance.now()).toBeLessThan(deadlineMs)
    stored.changed = stored.revision += 1
    const changes = await follower.follow(since)
    order.push('changes')
    since = changes?.position ?? since
  }
  expect(order[0]).toBe('changes')
})

test.each([
  ['a poll', changesSince],
  ['a check of the sessions', sweep],
])('rejects when %s fails', async (_, failing) => {
  failing.mockImplementation(() => {
    throw new Error('disk I/O error')
  })
  await expect(follower.follow(position(1))).rejects.toThrow('disk I/O error')
})

test('answers undefined when the changes are not kept', async () => {
  changesSince.mockReturnValue(undefined)
  expect(await follower.follow(position(1))).toBeUndefined()
})
