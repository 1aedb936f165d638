import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Registry, RegistryError } from '@sd/core'
import { createDriverContext } from '@sd/core/driver'
import { eventually } from '@sd/contract-tests'
import { byHand, lockFile, SharedFolder } from '@sd/test-servers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { type ClientProcess, forkClient } from './fork-client.ts'

const ttlMs = 2_000
const capMs = 1_000
/** Added to every bound for loaded machines. */
const slackMs = 3_000

let folder: SharedFolder
const open: (Registry | ClientProcess)[] = []
let events: string[] = []

beforeEach(async () => {
  folder = await SharedFolder.create()
  events = []
})
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const registryOn = (path: string = folder.path): Registry => {
  const note = (details: object): void => {
    events.push((details as { event?: string }).event ?? '')
  }
  const registry = new Registry(sqlite({ path }), {
    ttlMs,
    backoff: { minMs: 50, maxMs: capMs },
    logger: { debug: note, info: note, warn: note, error: note },
  })
  open.push(registry)
  return registry
}

const start = async (limits: { fileBlocks?: number } = {}): Promise<ClientProcess> => {
  const client = await forkClient({ path: folder.path, namespace: 'services', ttlMs }, limits)
  open.push(client)
  return client
}

const instance = (id: string, metadata: Record<string, string> = {}) => ({
  service: 'orders',
  id,
  endpoints: ['http://10.0.0.7:8080'],
  metadata,
})

const lists = (
  registry: Registry,
  wanted: readonly string[],
  deadlineMs: number,
): Promise<boolean> =>
  eventually(
    `it lists ${wanted.join()}`,
    deadlineMs,
    async () =>
      (await registry.list('orders'))
        .map(({ id }) => id)
        .toSorted()
        .join() === wanted.join(),
  )

const failure = async (work: Promise<unknown>): Promise<RegistryError> => {
  const outcome: unknown = await work.catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(RegistryError)
  return outcome as RegistryError
}

/**
 * Overwrites the file in place from another process: closing it in this one would drop the driver's
 * locks.
 */
const overwrite = (path: string): void => {
  const program = `const fs = require('node:fs'); const fd = fs.openSync(process.argv[1], 'r+')
    const bytes = Buffer.alloc(fs.fstatSync(fd).size, 'garbage'); fs.writeSync(fd, bytes, 0, bytes.length, 0)`
  expect(spawnSync(process.execPath, ['-e', program, path]).status).toBe(0)
}

describe('a file that is locked', () => {
  test('for longer than the ttl blocks no event loop, removes no instance, and is reported as unavailable', async () => {
    const [owner, other] = [await start(), await start()]
    await other.call('watch')
    await owner.call('register', ['a'])
    const reader = registryOn()
    await lists(reader, ['a'], slackMs)
    const lock = await lockFile(folder.path)
    try {
      await owner.call('longestBlockMs')
      const refused = owner.call('update', 'b', 1)
      refused.catch(() => {})
      const driver = sqlite({ path: folder.path })(createDriverContext())
      const error = await failure(driver.probe(AbortSignal.timeout(10_000)))
      await driver[Symbol.asyncDispose]()
      expect(error).toMatchObject({ code: 'unavailable', retryable: true })
      expect(error.message).toContain(`another process has locked ${folder.path} for`)
      await new Promise((resolve) => setTimeout(resolve, ttlMs))
      expect(await reader.list('orders')).toMatchObject([{ id: 'a' }])
      expect(await other.call('list')).toEqual(['a'])
      // a blocked event loop would stop for as long as a call waits: two seconds
      expect(await owner.call('longestBlockMs')).toBeLessThan(500)
    } finally {
      await lock[Symbol.asyncDispose]()
    }
    await lists(reader, ['a', 'b'], capMs * 2 + slackMs)
    await eventually('b is delivered', slackMs, () => other.seen.some(({ id }) => id === 'b'))
    expect(other.seen.filter(({ type }) => type === 'removed')).toEqual([])
  })
})

describe('a file that is deleted', () => {
  test('is created again from the live registrations, and no watcher sees a removal', async () => {
    const [owner, other] = [await start(), await start()]
    await other.call('watch')
    await owner.call('register', ['a', 'b', 'c'])
    await eventually('all are delivered', slackMs, () => other.seen.length === 3)
    for (const name of await readdir(dirname(folder.path)))
      // a process that watches may begin to create it again meanwhile
      await rm(join(dirname(folder.path), name), { force: true })
    const reader = registryOn()
    await lists(reader, ['a', 'b', 'c'], ttlMs / 2 + capMs + slackMs)
    expect(other.seen.filter(({ type }) => type === 'removed')).toEqual([])
  })

  test('without its log is not combined with the remaining log', async () => {
    const owner = registryOn()
    await owner.register(instance('a'))
    byHand(folder.path, (database) =>
      database.exec(`
        WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 300)
        INSERT INTO instances (namespace, key, document)
        SELECT 'services', 'ghosts/g' || n, zeroblob(500) FROM counted`),
    )
    await rm(folder.path)
    const other = registryOn()
    await other.register(instance('b'))
    expect(await other.listServices()).not.toContain('ghosts')
    await lists(other, ['a', 'b'], ttlMs / 2 + capMs + slackMs)
    const check = byHand(folder.path, (database) =>
      database.prepare('PRAGMA integrity_check').get(),
    )
    expect(check).toEqual({ integrity_check: 'ok' })
  })

  test('only in its log leaves no process on a separate log', async () => {
    const one = await start()
    await one.call('register', ['a'])
    for (const companion of ['-wal', '-shm']) await rm(`${folder.path}${companion}`)
    const two = await start()
    await two.call('register', ['b'])
    for (const client of [one, two]) {
      let seen: readonly string[] = []
      await eventually(
        'each process lists both',
        ttlMs + capMs + slackMs,
        async () => (seen = await client.call('list')).length === 2,
        () => seen,
      )
      expect(seen).toEqual(['a', 'b'])
    }
  })

  test('together with its folder comes back', async () => {
    const path = join(folder.root, 'deep', 'er', 'registry.db')
    const owner = registryOn(path)
    await owner.register(instance('a'))
    await rm(join(folder.root, 'deep'), { recursive: true })
    await lists(registryOn(path), ['a'], ttlMs / 2 + capMs + slackMs)
    expect(owner.health().session.state).toBe('live')
  })
})

describe('a file that is damaged', () => {
  test('is set aside and reported, and created again from the live registrations', async () => {
    const owner = await start()
    await owner.call('register', ['a', 'b'])
    overwrite(folder.path)
    const reader = registryOn()
    await lists(reader, ['a', 'b'], ttlMs / 2 + capMs * 2 + slackMs)
    expect(events).toContain('file-set-aside')
    const names = await readdir(dirname(folder.path))
    const aside = names.find((name) => /^registry\.db\.corrupt-\d{8}T\d{6}Z$/.test(name))
    expect(await readFile(join(dirname(folder.path), aside ?? ''), 'latin1')).toContain('garbage')
  })

  test('while many processes use it is set aside once', async () => {
    const owner = registryOn()
    await owner.register(instance('a'))
    await owner.close()
    overwrite(folder.path)
    const clients = await Promise.all(Array.from({ length: 4 }, () => start()))
    await Promise.all(clients.map((client, index) => client.call('register', [`c${index}`])))
    await lists(registryOn(), ['c0', 'c1', 'c2', 'c3'], slackMs)
    const names = await readdir(dirname(folder.path))
    expect(names.filter((name) => /corrupt-[^-]*$/.test(name))).toHaveLength(1)
  })
})

describe('a path that is not a registry file is refused and left unchanged:', () => {
  test.each<[string, (path: string) => void | Promise<void>, string, string]>([
    ['a text', (path) => writeFile(path, 'Dear diary'), 'invalid-config', 'is not a database'],
    [
      "another program's database",
      (path) => byHand(path, (database) => database.exec('CREATE TABLE diary (day TEXT)')),
      'invalid-config',
      "is another program's database",
    ],
    [
      'a folder',
      async (path) => {
        await mkdir(path)
      },
      'invalid-config',
      'is not a file',
    ],
    [
      'a link to one',
      async (path) => {
        await writeFile(`${path}-elsewhere`, '')
        await symlink(`${path}-elsewhere`, path)
      },
      'invalid-config',
      'is a link; expected a file',
    ],
    [
      'one of a later version',
      async (path) => {
        const registry = new Registry(sqlite({ path }), {})
        await registry.list('orders')
        await registry.close()
        byHand(path, (database) => database.exec('PRAGMA user_version = 99'))
      },
      'unsupported',
      'version 99',
    ],
  ])('%s', async (_, make, code, message) => {
    await make(folder.path)
    const before = await stat(folder.path)
    const error = await failure(registryOn().list('orders'))
    expect(error).toMatchObject({ code, backend: 'sqlite' })
    expect(error.message).toContain(message)
    const after = await stat(folder.path)
    expect([after.ino, after.size]).toEqual([before.ino, before.size])
  })

  test('a path that leads through a file', async () => {
    await writeFile(join(folder.root, 'file'), '')
    const error = await failure(registryOn(join(folder.root, 'file', 'registry.db')).list('orders'))
    expect(error).toMatchObject({ code: 'invalid-config' })
  })
})

describe('a disk that is full', () => {
  /** As many instances as fill the space that a client may write. */
  const many = Array.from({ length: 400 }, (_, index) => `i${index}`)

  test('for one process is reported as unavailable, and does not affect the others', async () => {
    const reader = registryOn()
    await reader.list('orders')
    // 64 KB: the log holds a few dozen instances
    const client = await start({ fileBlocks: 128 })
    const registering = client.call('register', many)
    registering.catch(() => {})
    await eventually('some are pending, with their cause', slackMs, async () =>
      (await client.call('states')).includes('registering: unavailable'),
    )
    // another process without that limit still writes, and reads the records that fitted
    await reader.register(instance('z'))
    expect((await reader.list('orders')).map(({ id }) => id)).toContain('z')
    const check = byHand(folder.path, (database) => database.prepare('PRAGMA quick_check').get())
    expect(check).toEqual({ quick_check: 'ok' })
  })

  const disk = (command: string, ...args: string[]): number | null =>
    spawnSync(command, args, { stdio: 'ignore' }).status

  /** Runs `work` on a file system of 1 MB. */
  const onSmallDisk = async (
    skip: (reason: string) => void,
    work: (mount: string) => Promise<void>,
  ): Promise<void> => {
    const mount = join(folder.root, 'disk')
    await mkdir(mount)
    if (disk('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount) !== 0)
      skip('mounting a small file system needs more rights than this user has')
    try {
      await work(mount)
    } finally {
      expect(disk('umount', '-l', mount)).toBe(0)
    }
  }

  const fill = (mount: string): Promise<void> =>
    writeFile(join(mount, 'ballast'), Buffer.alloc(2 << 20)).catch(() => {})

  test('is survived on a real full file system', ({ skip }) =>
    onSmallDisk(skip, async (mount) => {
      const path = join(mount, 'registry.db')
      const owner = registryOn(path)
      await owner.register(instance('a'))
      await fill(mount)
      const pending = owner.register(instance('b', { text: 'x'.repeat(100_000) }))
      let error: RegistryError | undefined
      await eventually('it is reported', slackMs, () => {
        error = owner.health().registrations.find(({ id }) => id === 'b')?.status.cause
        return error
      })
      expect(error).toMatchObject({ code: 'unavailable' })
      expect(error?.message).toContain('the disk is full')
      await rm(join(mount, 'ballast'))
      await pending
      expect((await owner.list('orders')).map(({ id }) => id).toSorted()).toEqual(['a', 'b'])
      await owner.close()
    }))

  test('is read, and dead owners are not listed although their records cannot be removed', ({
    skip,
  }) =>
    onSmallDisk(skip, async (mount) => {
      const path = join(mount, 'registry.db')
      const [killed, owner] = await Promise.all(
        [60_000, 60_000].map((longMs) =>
          forkClient({ path, namespace: 'services', ttlMs: longMs }),
        ),
      )
      open.push(killed as ClientProcess, owner as ClientProcess)
      await killed?.call('register', ['a'])
      await owner?.call('register', ['b'])
      await fill(mount)
      killed?.signal('SIGKILL')
      await killed?.exited()
      const driver = sqlite({ path })(createDriverContext())
      const { records } = await driver.list({ service: 'orders' }, AbortSignal.timeout(slackMs))
      expect(records.map(({ instance: { id } }) => id)).toEqual(['b'])
      await expect(driver.openSession({ ttlMs }, AbortSignal.timeout(slackMs))).rejects.toThrow(
        'the disk is full',
      )
      await driver[Symbol.asyncDispose]()
    }))
})

describe('the file', () => {
  test('and its folder are accessible only to their user', async () => {
    const path = join(folder.root, 'state', 'sd', 'registry.db')
    const registry = registryOn(path)
    await registry.register(instance('a'))
    const mode = async (name: string): Promise<number> => (await stat(name)).mode & 0o777
    expect(await mode(dirname(path))).toBe(0o700)
    for (const name of await readdir(dirname(path)))
      expect([name, await mode(join(dirname(path), name))]).toEqual([name, 0o600])
    expect(existsSync(`${path}-wal`)).toBe(true)
  })

  test('is not opened by a constructor or by the checks of the configuration', async () => {
    const registry = registryOn(join(folder.root, 'never', 'registry.db'))
    await registry.close()
    expect(existsSync(join(folder.root, 'never'))).toBe(false)
  })

  test('records every manual change, and keeps a bounded history', async () => {
    const [owner, other] = [registryOn(), registryOn()]
    await owner.register(instance('a'))
    await using watcher = other.watch('orders')
    expect((await watcher.next())?.type).toBe('sync')
    byHand(folder.path, (database) => {
      database.exec(`INSERT INTO changes (namespace, key) VALUES ('other', 'x/y')`)
      const add = database.prepare(`INSERT INTO changes (namespace, key) VALUES ('other', 'x/y')`)
      database.exec('BEGIN')
      for (let count = 0; count < 25_000; count += 1) add.run()
      database.exec('COMMIT')
      database.exec(`DELETE FROM instances WHERE key = 'orders/a'`)
    })
    await eventually('it is reported', slackMs, () => watcher.size === 0)
    await eventually('it comes back', ttlMs + slackMs, () => watcher.size === 1)
    const kept = byHand(folder.path, (database) =>
      database.prepare('SELECT count(*) AS count FROM changes').get(),
    )
    expect(Number(kept?.['count'])).toBeLessThanOrEqual(20_000)
  })
})

describe('a step of the wall clock', () => {
  test.each([
    ['forward', 0],
    ['back', 4_000_000_000_000],
  ])('%s ends no session', async (_, renewedAtMs) => {
    const owner = registryOn()
    await owner.register(instance('a'))
    const { session } = owner.health()
    byHand(folder.path, (database) =>
      database.prepare('UPDATE sessions SET renewed_at_ms = ?').run(renewedAtMs),
    )
    await registryOn().register(instance('b'))
    await lists(owner, ['a', 'b'], 0)
    expect(owner.health().session.id).toBe(session.id)
  })

  test('or not, a session from before the last boot has expired', async () => {
    const registry = registryOn()
    await registry.list('orders')
    byHand(folder.path, (database) =>
      database.exec(`
        INSERT INTO sessions VALUES ('old', 100000000, 0, 4000000000000, ${process.pid}, NULL, NULL, 'another boot');
        INSERT INTO instances (namespace, key, document, session) VALUES ('services', 'orders/old', x'7b7d', 'old');`),
    )
    await registry.list('orders')
    const left = byHand(folder.path, (database) =>
      database.prepare('SELECT count(*) AS count FROM instances').get(),
    )
    expect(left).toEqual({ count: 0 })
  })

  test('or not, a file from before the last boot is not used again, as it may be damaged', async () => {
    const first = registryOn()
    await first.list('orders')
    await first.close()
    const epochOf = (): unknown =>
      byHand(folder.path, (database) => database.prepare('SELECT epoch FROM store').get())
    const before = epochOf()
    byHand(folder.path, (database) =>
      database.exec(`
        UPDATE store SET boot = 'another boot';
        INSERT INTO instances (namespace, key, document) VALUES ('services', 'orders/old', x'7b7d');`),
    )
    const clients = await Promise.all(Array.from({ length: 3 }, () => start()))
    await Promise.all(clients.map((client, index) => client.call('register', [`c${index}`])))
    for (const client of clients) expect(await client.call('list')).toEqual(['c0', 'c1', 'c2'])
    expect(epochOf()).not.toEqual(before)
    expect(await readdir(dirname(folder.path))).not.toContainEqual(
      expect.stringContaining('corrupt'),
    )
  })
})
