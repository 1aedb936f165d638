import { Worker } from 'node:worker_threads'
import {
  createDriverContext,
  type DriverEvent,
  type DriverSession,
  HeartbeatWorker,
} from '@sd/core/driver'
import { afterEach, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const ttlMs = 1_000
const deadlineMs = 20_000

const sessionOf = (id: string) => ({
  id,
  grantedTtlMs: ttlMs,
  lost: new AbortController().signal,
  renew: vi.fn<DriverSession['renew']>(async () => {}),
  close: vi.fn<DriverSession['close']>(async () => {}),
})

const workerOf = (script: string, config: { maxBlockMs?: number } = { maxBlockMs: 60_000 }) => {
  const events: DriverEvent[] = []
  const worker = HeartbeatWorker.create({
    script: new URL(script, import.meta.url),
    config: { heartbeat: 'worker', ...config },
    context: createDriverContext({
      report: (event) => void events.push(event),
      // a thread that ended is started again at once
      random: { next: () => 0, id: () => '' },
    }),
  })
  if (worker === undefined) throw new Error('no worker')
  const told = (message: string) =>
    vi.waitUntil(() => events.find((event) => event.message.includes(message)), {
      timeout: deadlineMs,
    })
  return { worker, told, events }
}

/** A session without the methods that no test here calls. */
const hold = (worker: HeartbeatWorker, session: object): DriverSession =>
  worker.hold(session as DriverSession, performance.now())

const { signal } = new AbortController()

test('nothing is created where the configuration does not ask for it', () => {
  const options = { script: new URL('x:'), context: createDriverContext() }
  expect(HeartbeatWorker.create({ ...options, config: {} })).toBeUndefined()
  expect(HeartbeatWorker.create({ ...options, config: { heartbeat: 'loop' } })).toBeUndefined()
})

test('the thread gets the configuration, renews a session that its owner does not, and releases it', async () => {
  const { worker, told } = workerOf('counting-thread.ts')
  await using _ = worker
  await worker.start()
  await told('config {"heartbeat":"worker","maxBlockMs":60000}')
  const session = sessionOf('s1')
  const held = hold(worker, session)
  const openedMs = held.renewedMs?.() ?? Number.NaN
  await told('renew s1')
  // beyond the first renewal, which only opens the connection
  await vi.waitUntil(() => (held.renewedMs?.() ?? 0) > openedMs + ttlMs, { timeout: deadlineMs })
  expect(session.renew).not.toHaveBeenCalled()
  await held.close(signal)
  await told('release s1')
  expect(session.close).toHaveBeenCalledOnce()
})

test.each([
  ['three ttls by default', undefined, 3 * ttlMs],
  ['as configured', 7_000, 7_000],
] as const)('the thread bridges a block of %s', async (_what, given, maxBlockMs) => {
  const post = vi.spyOn(Worker.prototype, 'postMessage')
  const config = given === undefined ? {} : { maxBlockMs: given }
  await using worker = workerOf('counting-thread.ts', config).worker
  await worker.start()
  hold(worker, sessionOf('s1'))
  expect(post).toHaveBeenCalledWith({
    hold: expect.objectContaining({ id: 's1', maxBlockMs }) as object,
  })
})

test('the thread runs no preload of the application', async () => {
  vi.stubEnv('NODE_OPTIONS', '--import=data:text/javascript,process.exit(9)')
  const { worker, events } = workerOf('counting-thread.ts')
  await using _ = worker
  await worker.start()
  expect(events.map(({ message }) => message)).toEqual([
    'config {"heartbeat":"worker","maxBlockMs":60000}',
  ])
})

test('a renewal by the loop counts, too', async () => {
  const { worker } = workerOf('failing-thread.ts')
  await using _ = worker
  const held = worker.hold(sessionOf('s1') as object as DriverSession, performance.now() - 60_000)
  const before = held.renewedMs?.() ?? Number.NaN
  await held.renew(signal)
  expect(held.renewedMs?.()).toBeGreaterThan(before + 50_000)
})

test('a session that is taken by its renewal is kept while the loop is blocked, and left to it otherwise', async () => {
  const { worker, told, events } = workerOf('counting-thread.ts')
  await using _ = worker
  await worker.start()
  const keptTtlMs = 6_000
  const openedMs = performance.now()
  const kept = worker.keep({ id: 's1', ttlMs: keptTtlMs, password: 'p1' }, openedMs)
  await new Promise((resolve) => setTimeout(resolve, keptTtlMs / 2))
  expect(events.filter(({ message }) => message.startsWith('renew'))).toEqual([])
  const blockedMs = performance.now()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, keptTtlMs / 2)
  expect(kept.renewedMs).toBeGreaterThan(blockedMs)
  await told('renew s1 with p1')
  kept.release()
  await told('release s1')
})

test('a thread that does not start is reported, and the session goes on without it', async () => {
  const { worker, told } = workerOf('failing-thread.ts')
  await using _ = worker
  await worker.start()
  const failed = await told('this thread does not start')
  expect(failed).toMatchObject({ level: 'error', event: 'heartbeat-worker-failed' })
  const session = sessionOf('s1')
  await hold(worker, session).renew(signal)
  expect(session.renew).toHaveBeenCalledOnce()
})

test('a thread that ends is started again, and gets every session', async () => {
  const { worker, told, events } = workerOf('counting-thread.ts')
  await using _ = worker
  await worker.start()
  const ending = hold(worker, sessionOf('ends'))
  await told('exited with code 7')
  await ending.close(signal)
  const held = hold(worker, sessionOf('s2'))
  await expect
    .poll(
      async () => {
        await held.renew(signal)
        return events.map(({ message }) => message)
      },
      { timeout: deadlineMs },
    )
    .toContain('renew s2')
})

test('a session is not held by a worker that is closed', async () => {
  const { worker } = workerOf('counting-thread.ts')
  await worker.start()
  await worker[Symbol.asyncDispose]()
  const session = sessionOf('s1')
  await hold(worker, session).renew(signal)
  expect(session.renew).toHaveBeenCalledOnce()
  await worker[Symbol.asyncDispose]()
})
