import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '@sd/contract-tests'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClientOptions, type ClientProcess, forkClient } from './fork-client.ts'
import { SharedFolder } from '@sd/test-servers'

const ttlMs = 2_000
/** Time added to a bound for a loaded machine. */
const slackMs = 3_000

/** Three users: the first two share a group that is the primary group of neither. */
const group = 61_000
const one = { uid: 61_001, gid: 61_001, groups: [group] }
const two = { uid: 61_002, gid: 61_002, groups: [group] }
const stranger = { uid: 61_003, gid: 61_003, groups: [] }

let folder: SharedFolder
const clients: ClientProcess[] = []

beforeEach(async () => {
  folder = await SharedFolder.create()
  await chmod(folder.root, 0o755)
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** Whether this process may start others as other users, who can read the sources. */
const canChangeUser = (): boolean => {
  const script = fileURLToPath(new URL('./client-process.ts', import.meta.url))
  const read = `require('node:fs').readFileSync(${JSON.stringify(script)})`
  return (
    process.getuid?.() === 0 &&
    spawnSync(process.execPath, ['-e', read], { uid: one.uid, gid: one.gid }).status === 0
  )
}

describe.skipIf(!canChangeUser())('users of one machine', () => {
  const startAs = async (
    runAs: NonNullable<ClientOptions['runAs']>,
    path: string,
  ): Promise<ClientProcess> => {
    const client = await forkClient({ path, namespace: 'services', ttlMs, runAs })
    clients.push(client)
    return client
  }

  const folderOf = async (name: string, mode: number, gid: number): Promise<string> => {
    const path = join(folder.root, name)
    await mkdir(path)
    await chown(path, one.uid, gid)
    await chmod(path, mode)
    return path
  }

  const modes = async (path: string): Promise<Record<string, string>> => {
    const names = (await readdir(path)).toSorted()
    const entries = names.map(async (name) => {
      const { mode, gid } = await stat(join(path, name))
      return [name, `${(mode & 0o777).toString(8)} ${gid}`] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }

  const shared = Object.fromEntries(
    ['', '-guard', '-shm', '-wal'].map((suffix) => [`registry.db${suffix}`, `660 ${group}`]),
  )

  const listsBoth = (client: ClientProcess): Promise<unknown> =>
    eventually(
      'it lists both',
      ttlMs + slackMs,
      async () => (await client.call('list')).join() === 'a,b',
    )

  test('share a file in a folder with the setgid bit, also when it is made anew', async () => {
    const shelf = await folderOf('shelf', 0o2770, group)
    const path = join(shelf, 'registry.db')
    const [first, second] = [await startAs(one, path), await startAs(two, path)]
    await first.call('register', ['a'])
    await second.call('register', ['b'])
    for (const client of [first, second]) await listsBoth(client)
    expect(await modes(shelf)).toEqual(shared)
    for (const name of await readdir(shelf)) await rm(join(shelf, name))
    for (const client of [first, second]) await listsBoth(client)
    expect(await modes(shelf)).toEqual(shared)
  })

  test('are refused a file of another user, at once', async () => {
    const shelf = await folderOf('shelf', 0o2770, group)
    const path = join(shelf, 'registry.db')
    await (await startAs(one, path)).call('register', ['a'])
    const client = await startAs(stranger, path)
    await expect(client.call('list')).rejects.toThrow('permission-denied')
    await expect(client.call('register', ['b'])).rejects.toThrow('permission-denied')
  })

  test.each(['', '-wal', '-shm', '-guard'])(
    'are refused where only registry.db%s is of another user',
    async (suffix) => {
      const shelf = await folderOf('open', 0o777, one.gid)
      const path = join(shelf, 'registry.db')
      const owner = await startAs(one, path)
      await owner.call('register', ['a'])
      for (const name of await readdir(shelf))
        await chmod(join(shelf, name), name === `registry.db${suffix}` ? 0o600 : 0o666)
      if (suffix === '-guard') {
        await rm(path)
        owner.signal('SIGKILL')
      }
      const client = await startAs(two, path)
      await expect(client.call('register', ['b'])).rejects.toThrow('permission-denied')
    },
  )

  test('are refused a file that they may only read', async () => {
    const shelf = await folderOf('open', 0o777, one.gid)
    const path = join(shelf, 'registry.db')
    await (await startAs(one, path)).call('register', ['a'])
    for (const name of await readdir(shelf)) await chmod(join(shelf, name), 0o644)
    const client = await startAs(two, path)
    await expect(client.call('register', ['b'])).rejects.toThrow('permission-denied')
  })

  test('keep a file in a folder without the setgid bit for themselves', async () => {
    const shelf = await folderOf('own', 0o770, group)
    const path = join(shelf, 'registry.db')
    await (await startAs(one, path)).call('register', ['a'])
    expect(Object.values(await modes(shelf))).toEqual(Array(4).fill(`600 ${one.gid}`))
  })
})
