import { createDriverContext } from '@sd/core/driver'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'

const attempt = vi.fn<() => Promise<unknown>>()
const thread = '../src/client/store-thread.ts'
vi.doMock(thread, () => ({
  StoreThread: class {
    readonly ended = false
    readonly call = attempt
  },
}))
// the files before and after this one, in the same process, have the real one
vi.resetModules()
afterAll(() => {
  vi.doUnmock(thread)
  vi.resetModules()
})
const { StoreClient } = await import('../src/client/store-client.ts')
const { StoreError } = await import('../src/errors.ts')
const { sqliteCode } = await import('../src/worker/failure.ts')

const position = { epoch: '0123456789abcdef-7', revision: 1 }

/** The present time; attempts and pauses add to it. */
let elapsedMs: number
beforeEach(() => {
  elapsedMs = 0
})

const clock = {
  nowMs: () => elapsedMs,
  monotonicMs: () => elapsedMs,
  setTimer: (delayMs: number, callback: () => void) => {
    elapsedMs += delayMs
    queueMicrotask(callback)
    return { cancel: () => {} }
  },
}

/** A `follow` whose first `locks` attempts end at a lock after `attemptMs` each. */
const follow = (attemptMs: number, locks: number): Promise<unknown> => {
  let attempts = 0
  attempt.mockReset().mockImplementation(async () => {
    elapsedMs += attemptMs
    attempts += 1
    if (attempts <= locks)
      throw new StoreError({ message: 'database is locked', sqlite: sqliteCode.busy })
    return undefined
  })
  const client = new StoreClient(
    { path: '/no-such-folder/registry.db', namespace: 'services' },
    createDriverContext({ clock }),
  )
  return client.call('observe', new AbortController().signal, 'follow', position)
}

test('a follow that meets a lock every hour goes on', async () => {
  expect(await follow(3_600_000, 3)).toBeUndefined()
})

test('a follow that meets a lock at each of its reads is reported as unavailable', async () => {
  await expect(follow(200, 100)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(
      'another process has locked /no-such-folder/registry.db for 2',
    ),
  })
})
