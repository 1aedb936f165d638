import { rename, rm } from 'node:fs/promises'
import { type ContractHarness, type Fault, forkedOwners, type Need } from '@sd/contract-tests'
import { byHand, keyOf, lockFile, SharedFolder } from '@sd/test-servers'
import { sqlite } from '../src/index.ts'

/** All hooks of the suite, except those for network connections and credentials. */
export const sqliteNeeds: readonly Need[] = [
  'connectDirect',
  'server',
  'partition',
  'slow',
  'expireSession',
  'loseHistory',
  'backUp',
  'deleteRecord',
  'writeRaw',
  'startOwner',
  'startWorkerOwner',
  'askForTls',
  'invalidConfigs',
]

/**
 * A harness over one file. It has no server; its faults are those of a file: stopped is a disk that is not
 * mounted, wiped is a deleted file, frozen is a file that another process has locked, slow is a
 * process that locks it repeatedly, and a client is partitioned when the disk is not mounted for it
 * alone.
 */
export const sqliteHarness = async (): Promise<ContractHarness> => {
  const folder = await SharedFolder.create()
  const both = ['link', 'direct'] as const
  let lock: Fault | undefined
  return {
    connect: (namespace) => sqlite({ path: folder.over('link'), namespace }),
    connectDirect: (namespace) => sqlite({ path: folder.over('direct'), namespace }),
    server: {
      stop: async () => {
        for (const link of both) await folder.unmount(link)
      },
      start: async () => {
        for (const link of both) await folder.mount(link)
      },
      wipe: () => folder.wipe(),
      pause: async () => {
        lock = await lockFile(folder.path)
      },
      resume: async () => {
        await lock?.[Symbol.asyncDispose]()
      },
    },
    partition: async () => {
      await folder.unmount('link')
      return { [Symbol.asyncDispose]: () => folder.mount('link') }
    },
    slow: (delayMs) => lockFile(folder.path, delayMs),
    expireSession: async (sessionId) => {
      byHand(folder.path, (database) =>
        database.prepare('DELETE FROM sessions WHERE id = ?').run(sessionId),
      )
    },
    loseHistory: async () =>
      byHand(folder.path, (database) => database.exec('DELETE FROM changes')),
    // as with the sqlite3 shell: copies the file, and later replaces the file with the copy
    backUp: async () => {
      const backup = `${folder.path}.backup`
      await rm(backup, { force: true })
      byHand(folder.path, (database) => database.prepare('VACUUM INTO ?').run(backup))
      return {
        restore: async () => {
          byHand(backup, (database) => database.exec('PRAGMA journal_mode = WAL'))
          for (const companion of ['-wal', '-shm'])
            await rm(`${folder.path}${companion}`, { force: true })
          await rename(backup, folder.path)
        },
      }
    },
    deleteRecord: async (namespace, service, id) => {
      byHand(folder.path, (database) =>
        database
          .prepare('DELETE FROM instances WHERE namespace = ? AND key = ?')
          .run(namespace, keyOf(service, id)),
      )
    },
    writeRaw: async (namespace, service, id, value) => {
      byHand(folder.path, (database) =>
        database
          .prepare(
            `INSERT INTO instances (namespace, key, document, session) VALUES (?, ?, ?, NULL)
             ON CONFLICT DO UPDATE SET document = excluded.document, session = NULL`,
          )
          .run(namespace, keyOf(service, id), value),
      )
    },
    ...forkedOwners({
      module: new URL('../src/index.ts', import.meta.url).href,
      factory: 'sqlite',
      config: { path: folder.over('direct') },
    }),
    askForTls: () => sqlite({ tls: {} } as object),
    invalidConfigs: [
      { field: 'path', make: () => sqlite({ path: ':memory:' }) },
      { field: 'path', make: () => sqlite({ path: 'file:///var/lib/sd.db' }) },
      { field: 'path', make: () => sqlite({ path: '/var/lib/' }) },
      { field: 'namespace', make: () => sqlite({ namespace: '' }) },
      { field: 'nam', make: () => sqlite({ nam: 'x' } as object) },
    ],
    [Symbol.asyncDispose]: async () => {
      await lock?.[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}
