import { Registry } from '@sd/core'
import { eventually } from '@sd/contract-tests'
import { SharedFolder } from '@sd/test-servers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { type ClientProcess, forkClient } from './fork-client.ts'

const ttlMs = 2_000
/** Added to every bound for loaded machines. */
const slackMs = 3_000

let folder: SharedFolder
const clients: ClientProcess[] = []

beforeEach(async () => {
  folder = await SharedFolder.create()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const start = async (options: { ttlMs?: number } = {}): Promise<ClientProcess> => {
  const client = await forkClient({ path: folder.path, namespace: 'services', ttlMs, ...options })
  clients.push(client)
  return client
}

const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

const lists = async (
  client: ClientProcess,
  wanted: readonly string[],
  deadlineMs: number,
): Promise<void> => {
  let seen: readonly string[] = []
  await eventually(
    `it lists ${wanted.slice(0, 5).join()}`,
    deadlineMs,
    async () => {
      seen = await client.call('list')
      return seen.join() === wanted.toSorted().join()
    },
    () => seen.slice(0, 5),
  )
}

describe('processes that share a file', () => {
  test('R1: ten create the file at once and register 100 instances each: none is lost, no error occurs', async () => {
    const ten = await Promise.all(ids('p', 10).map(() => start()))
    await Promise.all(ten.map((client, index) => client.call('register', ids(`p${index}-`, 100))))
    const wanted = ids('p', 10)
      .flatMap((prefix) => ids(`${prefix}-`, 100))
      .toSorted()
    for (const client of ten) expect(await client.call('list')).toEqual(wanted)
    for (const client of ten) expect(client.stderr).toBe('')
  })

  test('two discover each other within a second of register, and changes reach a watcher soon', async () => {
    const [one, two] = [await start(), await start()]
    await two.call('watch')
    const { doneMs } = await one.call('register', ['a'])
    await eventually('it is delivered', 1_000 + slackMs, () => two.seen.length > 0)
    expect(await two.call('list')).toEqual(['a'])
    expect((two.seen[0]?.atMs ?? Infinity) - doneMs).toBeLessThan(1_000)
    const delays: number[] = []
    for (let round = 0; round < 50; round += 1) {
      const { beganMs } = await one.call('register', [`b${round}`])
      await eventually('it is delivered', slackMs, () =>
        two.seen.some(({ id }) => id === `b${round}`),
      )
      delays.push((two.seen.find(({ id }) => id === `b${round}`)?.atMs ?? Infinity) - beganMs)
    }
    const median = delays.toSorted((a, b) => a - b)[25] ?? Infinity
    expect(median).toBeLessThan(100)
  })

  test('10,000 instances are listed within a second', async () => {
    const owner = new Registry(sqlite({ path: folder.path }), { ttlMs: 30_000 })
    await Promise.all(
      ids('i', 10_000).map((id) =>
        owner.register({ service: 'orders', id, endpoints: ['http://10.0.0.7:8080'] }),
      ),
    )
    const reader = await start()
    await reader.call('list')
    const timesMs: number[] = []
    for (let round = 0; round < 5; round++) {
      const beganMs = performance.now()
      expect(await reader.call('list')).toHaveLength(10_000)
      timesMs.push(performance.now() - beganMs)
    }
    // the shortest, as a busy machine delays any of them
    expect(Math.min(...timesMs)).toBeLessThan(1_000)
    await owner.close()
  })
})

describe('a process that', () => {
  test('R3: is killed is removed at once, long before its ttl', async () => {
    const [owner, other] = [await start({ ttlMs: 60_000 }), await start()]
    await other.call('watch')
    await owner.call('register', ['a', 'b', 'c'])
    await eventually('all are delivered', slackMs, () => other.seen.length === 3)
    owner.signal('SIGKILL')
    await owner.exited()
    await eventually(
      'the watcher receives it',
      slackMs,
      () => other.seen.filter(({ type }) => type === 'removed').length === 3,
    )
    expect(await other.call('list')).toEqual([])
  })

  test('R3: is killed without a watcher is missing from the next list', async () => {
    const [owner, other] = [await start({ ttlMs: 60_000 }), await start()]
    await owner.call('register', ['a'])
    await lists(other, ['a'], slackMs)
    owner.signal('SIGKILL')
    await owner.exited()
    expect(await other.call('list')).toEqual([])
  })

  test('R7: is killed blocks no other registration of its id, also without a list since then', async () => {
    const owner = await start({ ttlMs: 60_000 })
    await owner.call('register', ['a'])
    const next = new Registry(sqlite({ path: folder.path }), { ttlMs })
    const instance = { service: 'orders', id: 'a', endpoints: ['http://10.0.0.7:8080'] }
    try {
      await expect(next.register(instance, { onConflict: 'reject' })).rejects.toMatchObject({
        code: 'conflict',
      })
      owner.signal('SIGKILL')
      await owner.exited()
      await next.register(instance, { onConflict: 'reject' })
      expect(await next.list('orders')).toMatchObject([{ id: 'a' }])
    } finally {
      await next.close()
    }
  })

  test('R3, R5: is frozen beyond its ttl is removed, and comes back when it resumes', async () => {
    const [owner, other] = [await start(), await start()]
    await other.call('watch')
    await owner.call('register', ['a'])
    await lists(other, ['a'], slackMs)
    const frozenMs = performance.now()
    owner.signal('SIGSTOP')
    await lists(other, [], ttlMs + slackMs)
    // the last heartbeat may be ttl/4 old, and late by a tenth of that
    expect(performance.now() - frozenMs).toBeGreaterThan(ttlMs * 0.7)
    await eventually(
      'the watcher receives it',
      slackMs,
      () => other.seen.at(-1)?.type === 'removed',
    )
    owner.signal('SIGCONT')
    await lists(other, ['a'], ttlMs + slackMs)
    await eventually('the watcher receives it', slackMs, () => other.seen.at(-1)?.type === 'added')
    expect(await owner.call('states')).toEqual(['registered'])
  })

  test('R4: is frozen for half its ttl is not removed', async () => {
    const [owner, other] = [await start(), await start()]
    await other.call('watch')
    await owner.call('register', ['a'])
    owner.signal('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, ttlMs / 2))
    owner.signal('SIGCONT')
    await owner.call('register', ['z'])
    await eventually('the last write is delivered', slackMs, () => other.seen.at(-1)?.id === 'z')
    expect(other.seen.filter(({ type }) => type === 'removed')).toEqual([])
  })

  test('R11: closes its registry ends by itself, leaves no record, and prints nothing', async () => {
    const [owner, other] = [await start(), await start()]
    await owner.call('watch')
    await owner.call('register', ['a'])
    await owner.call('close')
    expect(await owner.exited()).toEqual({ code: 0, signal: null })
    expect(owner.stderr).toBe('')
    expect(await other.call('list')).toEqual([])
  })
})
