import { createDriverContext } from '@sd/core/driver'
import { beforeEach, expect, test, vi } from 'vitest'
import { StoreClient } from '../src/client/store-client.ts'
import { StoreError } from '../src/errors.ts'
import { sqliteCode } from '../src/worker/failure.ts'

const attempt = vi.hoisted(() => vi.fn<() => Promise<unknown>>())
vi.mock('../src/client/store-thread.ts', () => ({
  StoreThread: class {
    readonly ended = false
    readonly call = attempt
  },
}))

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
    { path: '/nowhere/registry.db', namespace: 'services' },
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
    message: expect.stringContaining('another process has locked /nowhere/registry.db for 2'),
  })
})
