import { readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@sd/contract-tests'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClientProcess, type ClientSurroundings, forkClient } from './fork-client.ts'
import { byHand, SharedFolder } from '@sd/test-servers'
import { SlowDisk } from './slow-disk.ts'

const ttlMs = 2_000
/** Time added to a bound for a loaded machine. */
const slackMs = 3_000

let folder: SharedFolder
const open: AsyncDisposable[] = []

beforeEach(async () => {
  folder = await SharedFolder.create()
})
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** 0 while there is no such file: the log is absent for a moment when the file is replaced. */
const sizeOf = async (path: string): Promise<number> =>
  (await stat(path).catch(() => undefined))?.size ?? 0

const start = async (surroundings: ClientSurroundings = {}): Promise<ClientProcess> => {
  const client = await forkClient({ path: folder.path, namespace: 'services', ttlMs }, surroundings)
  open.push(client)
  return client
}

describe('a disk on which a sync hangs for longer than the ttl', () => {
  test('ends no session and delays no registration', async ({ skip }) => {
    const disk = SlowDisk.build(folder.root)
    if (disk === undefined) return skip('there is no C compiler to build the slow disk with')
    const [owner, other] = [await start({ env: disk.env }), await start()]
    await other.call('watch')
    await owner.call('register', ['a'])
    await eventually('it is seen', slackMs, () => other.seen.length === 1)
    disk.hang()
    try {
      // more than a thousand pages: SQLite writes its log back into the file
      const many = Array.from({ length: 100 }, (_, index) => `b${index}`)
      const registered = owner.call('register', many, 100_000).then(() => true)
      const inTime = await Promise.race([registered, sleep(ttlMs * 3, false)])
      await sleep(ttlMs * 1.5)
      expect(other.seen.filter(({ type }) => type === 'removed').map(({ id }) => id)).toEqual([])
      expect(inTime).toBe(true)
    } finally {
      disk.recover()
    }
  })
})

describe('the log', () => {
  /** 100 records of 100 KB. */
  const ids = Array.from({ length: 100 }, (_, index) => `a${index}`)
  const bytes = 100_000
  const mebibyte = 1 << 20

  /** Another program reads, and keeps its transaction open. */
  const openReader = (): Disposable & { count(): number } => {
    const database = new DatabaseSync(folder.path)
    const count = (): number =>
      Number(database.prepare('SELECT count(*) AS count FROM instances').get()?.['count'])
    database.exec('BEGIN')
    count()
    return { count, [Symbol.dispose]: () => database.close() }
  }

  test('keeps its bound under an open reader: who writes moves on to a copy of the file', async () => {
    const [owner, other] = [await start(), await start()]
    await other.call('watch')
    await owner.call('register', ['z'])
    await eventually('it is seen', slackMs, () => other.seen.length === 1)
    using reader = openReader()
    let longest = 0
    for (let round = 0; round < 7; round += 1) {
      await owner.call('register', ids, bytes + round)
      longest = Math.max(longest, await sizeOf(`${folder.path}-wal`))
    }
    // 32 MB, and the writes of one batch
    expect(longest).toBeLessThan(48 * mebibyte)
    expect(reader.count()).toBe(1)
    expect(await other.call('list')).toEqual([...ids, 'z'].toSorted())
    await eventually(
      'all are seen',
      slackMs,
      () => new Set(other.seen.map(({ id }) => id)).size === 101,
    )
    expect(other.seen.filter(({ type }) => type === 'removed').map(({ id }) => id)).toEqual([])
    const names = await readdir(dirname(folder.path))
    expect(names.toSorted()).toEqual(
      ['', '-guard', '-shm', '-wal'].map((suffix) => `registry.db${suffix}`),
    )
    const check = byHand(folder.path, (database) => database.prepare('PRAGMA quick_check').get())
    expect(check).toEqual({ quick_check: 'ok' })
  })

  test('shrinks once a reader that kept it long has left', async () => {
    const owner = await start()
    await owner.call('list')
    {
      using reader = openReader()
      await owner.call('register', ids, bytes)
      await owner.call('register', ids, bytes + 1)
      expect(reader.count()).toBe(0)
      expect(await sizeOf(`${folder.path}-wal`)).toBeGreaterThan(16 * mebibyte)
    }
    let size = Infinity
    await eventually(
      'it shrinks',
      ttlMs + slackMs,
      async () => (size = await sizeOf(`${folder.path}-wal`)) <= 4 * mebibyte,
      () => size,
    )
  })
})
