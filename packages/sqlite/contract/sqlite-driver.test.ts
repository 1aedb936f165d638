import { spawnSync } from 'node:child_process'
import {
  createDriverContext,
  type Cursor,
  type Observation,
  type PutRequest,
  type RegistryDriver,
  type Scope,
} from '@sd/core/driver'
import { eventually } from '@sd/contract-tests'
import { byHand, lockFile, SharedFolder } from '@sd/test-servers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'

const orders: Scope = { service: 'orders' }
/** Aborts a call that takes far too long. */
const soon = (): AbortSignal => AbortSignal.timeout(5_000)

let folder: SharedFolder
const drivers: RegistryDriver[] = []

beforeEach(async () => {
  folder = await SharedFolder.create()
})
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const connect = (namespace = 'services'): RegistryDriver => {
  const driver = sqlite({ path: folder.path, namespace })(createDriverContext())
  drivers.push(driver)
  return driver
}

const request = (
  id: string,
  claim: Partial<PutRequest['claim']> = {},
  service = 'orders',
): PutRequest => ({
  instance: {
    service,
    id,
    endpoints: ['http://h:1'],
    weight: 1,
    health: 'passing',
    tags: [],
    metadata: {},
  },
  claim: { owner: 'a', claimedAtMs: 1, seq: 0, ...claim },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 1,
})

const ref = (id: string, owner = 'a') => ({ service: 'orders', id, owner })

const idsOf = async (driver: RegistryDriver): Promise<string[]> =>
  (await driver.list(orders, soon())).records.map(({ instance }) => instance.id).toSorted()

const observing = (driver: RegistryDriver, scope: Scope = orders, cursor?: Cursor) => {
  const end = new AbortController()
  const iterator = driver.observe(scope, cursor, end.signal)[Symbol.asyncIterator]()
  const next = async (): Promise<Observation> => {
    for (;;) {
      const { value } = (await iterator.next()) as { value: Observation }
      if (value.type !== 'alive' || cursor !== undefined) return value
    }
  }
  return {
    next,
    [Symbol.asyncDispose]: async () => {
      await iterator.return?.()
    },
  }
}

describe('while the file is locked', () => {
  test('a call that writes settles at once when it is aborted, and reads are answered', async () => {
    const driver = connect()
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    await session.put([request('1')], soon())
    const lock = await lockFile(folder.path)
    try {
      for (const work of [
        (signal: AbortSignal) => session.put([request('2')], signal),
        (signal: AbortSignal) => session.remove([ref('1')], signal),
        (signal: AbortSignal) => session.renew(signal),
        (signal: AbortSignal) => session.close(signal),
        (signal: AbortSignal) => driver.openSession({ ttlMs: 5_000 }, signal),
        (signal: AbortSignal) => driver.probe(signal),
      ]) {
        const abort = new AbortController()
        const reason = new Error('enough')
        const outcome = work(abort.signal)
        setTimeout(() => abort.abort(reason), 100)
        const beganMs = performance.now()
        await expect(outcome).rejects.toBe(reason)
        expect(performance.now() - beganMs).toBeLessThan(1_000)
      }
      expect(await idsOf(driver)).toEqual(['1'])
      expect(await session.audit([ref('1')], soon())).toMatchObject([{ state: 'ours' }])
    } finally {
      await lock[Symbol.asyncDispose]()
    }
    // no aborted call took effect
    expect(await idsOf(driver)).toEqual(['1'])
  })

  test('no ttl runs, also not for a client that only lists and started during the lock', async () => {
    const [owner, reader] = [connect(), connect()]
    const session = await owner.openSession({ ttlMs: 1_000 }, soon())
    await session.put([request('1')], soon())
    expect(await idsOf(reader)).toEqual(['1'])
    const lock = await lockFile(folder.path)
    try {
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      expect(await idsOf(reader)).toEqual(['1'])
    } finally {
      await lock[Symbol.asyncDispose]()
    }
    expect(await idsOf(reader)).toEqual(['1'])
    await session.renew(soon())
    // from now on the ttl runs
    await eventually(
      'the instance is removed',
      1_000 + 3_000,
      async () => (await idsOf(reader)).length === 0,
    )
    await expect(session.renew(soon())).rejects.toMatchObject({ code: 'session-lost' })
  })

  test('a driver that is disposed of ends its pending calls with closed', async () => {
    const driver = connect()
    await driver.list(orders, soon())
    const lock = await lockFile(folder.path)
    try {
      const waiting = driver.probe(soon()).catch((error: unknown) => error)
      const observed = observing(driver).next()
      observed.catch(() => {})
      const beganMs = performance.now()
      await driver[Symbol.asyncDispose]()
      expect(await waiting).toMatchObject({ code: 'closed' })
      expect(performance.now() - beganMs).toBeLessThan(2_000)
      await expect(driver.list(orders, soon())).rejects.toMatchObject({ code: 'closed' })
    } finally {
      await lock[Symbol.asyncDispose]()
    }
  })
})

describe('a session', () => {
  test('that competes with rising claims leaves one owner for each id', async () => {
    const sessions = await Promise.all(
      ['a', 'b', 'c'].map(async (owner) => ({
        owner,
        session: await connect().openSession({ ttlMs: 60_000 }, soon()),
      })),
    )
    const rounds = Array.from({ length: 20 }, (_, at) => at)
    await Promise.all(
      sessions.map(async ({ owner, session }) => {
        for (const at of rounds)
          await session.put([request('1', { owner, claimedAtMs: at })], soon())
      }),
    )
    const [record, ...others] = (await connect().list(orders, soon())).records
    expect(others).toEqual([])
    // of claims with the same time the higher owner wins
    expect(record?.claim).toEqual({ owner: 'c', claimedAtMs: 19, seq: 0 })
  })
})

describe('an observation', () => {
  test.each([
    ['the file no longer has the later changes', 'DELETE FROM changes'],
    ['the file was replaced', `UPDATE store SET epoch = '00000000000000ff'`],
    ['the file was restored to an older state', `UPDATE sqlite_sequence SET seq = 1`],
  ])('ends with cursor-expired when %s', async (_, sql) => {
    const driver = connect()
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    for (const id of ['1', '2', '3']) await session.put([request(id)], soon())
    const { cursor } = await observing(driver).next()
    await session.put([request('4')], soon())
    byHand(folder.path, (database) => database.exec(sql))
    await expect(observing(connect(), orders, cursor).next()).rejects.toMatchObject({
      code: 'cursor-expired',
    })
  })

  test('delivers only a sign of life for changes of another namespace', async () => {
    const [blue, green] = [connect('blue'), connect('green')]
    const session = await blue.openSession({ ttlMs: 60_000 }, soon())
    await using watch = observing(green)
    expect(await watch.next()).toMatchObject({ type: 'snapshot', records: [] })
    await session.put([request('1')], soon())
    const mine = await green.openSession({ ttlMs: 60_000 }, soon())
    await mine.put([request('2')], soon())
    expect(await watch.next()).toMatchObject({ records: [{ instance: { id: '2' } }], removed: [] })
  })
})

test('diagnose returns the file and the version of SQLite', async () => {
  const { serverVersion, limits } = (await connect().diagnose?.(soon())) ?? {}
  expect(serverVersion).toMatch(/^SQLite 3\.\d+/)
  expect(limits?.[0]).toContain(folder.path)
})

const runProgram = (program: string) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@sd/source', '--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 20_000 },
  )
  return { status, stdout, stderr }
}

test('a program that only lists and never closes ends by itself, and prints nothing else', () => {
  const outcome = runProgram(`
    import { Registry } from '@sd/core'
    import { sqlite } from '@sd/sqlite'
    const registry = new Registry(sqlite({ path: ${JSON.stringify(folder.path)} }))
    console.log(await registry.list('orders'))`)
  expect(outcome).toEqual({ status: 0, stdout: '[]\n', stderr: '' })
})

test('a program that disposes of a driver with pending calls sees their rejections', () => {
  const outcome = runProgram(`
    import { createDriverContext } from '@sd/core/driver'
    import { sqlite } from '@sd/sqlite'
    const driver = sqlite({ path: ${JSON.stringify(folder.path)} })(createDriverContext())
    const never = new AbortController().signal
    const calls = Promise.allSettled([1, 2].map(() => driver.list({ all: true }, never)))
    await driver[Symbol.asyncDispose]()
    console.log((await calls).map(({ reason }) => reason.code))`)
  expect(outcome).toEqual({ status: 0, stdout: "[ 'closed', 'closed' ]\n", stderr: '' })
})
