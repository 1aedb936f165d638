import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { byHand, lockFile, SharedFolder } from '@sd/test-servers'
import { links } from '../timeline/timeline-event.ts'
import type { ChaosBackend } from './chaos-backend.ts'

const isStore = (path: string): boolean =>
  byHand(
    path,
    (database) =>
      database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'instances'").get() !== undefined,
  )

/**
 * One SQLite file. Its faults are those of a file, as in the contract suite: stopped is a disk that
 * is not mounted, wiped a file that was deleted, frozen a file that another process has locked.
 */
export const openSqlite = async (): Promise<ChaosBackend> => {
  const every = [...links, 'direct']
  const folder = await SharedFolder.create(every)
  let lock: AsyncDisposable | undefined
  const unlock = async (): Promise<void> => {
    await lock?.[Symbol.asyncDispose]()
    lock = undefined
  }
  return {
    description: 'one file',
    faults: new Set([
      'kill-server',
      'wipe',
      'freeze',
      'backup',
      'restore',
      'compact',
      'expire-session',
      'partition',
    ]),
    boundsFor: (ttlMs) => ({
      // an owner in sight is missed within 250 ms
      graceMs: 250,
      restartLimitMs: ttlMs / 2,
      lateWriteMs: 0,
      deadWatchMs: 0,
      restoredMs: 0,
    }),
    place: (over, namespace) => ({
      module: import.meta.resolve('@sd/sqlite'),
      factory: 'sqlite',
      config: { path: folder.over(over), namespace },
    }),
    server: {
      stop: async () => {
        for (const link of every) await folder.unmount(link)
      },
      start: async () => {
        for (const link of every) await folder.mount(link)
      },
      wipe: () => folder.wipe(),
      pause: async () => {
        lock = await lockFile(folder.path)
      },
      resume: unlock,
    },
    members: [],
    backUp: async () => {
      // a file that was wiped is made by the next client that writes; a shell would make another one
      if (!existsSync(folder.path) || !isStore(folder.path)) return undefined
      // beside the folder that a wipe empties
      const backup = join(folder.root, 'backup.db')
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
    compact: async () => byHand(folder.path, (database) => database.exec('DELETE FROM changes')),
    expireSession: async (sessionId) => {
      byHand(folder.path, (database) =>
        database.prepare('DELETE FROM sessions WHERE id = ?').run(sessionId),
      )
    },
    disturb: ({ link }) => folder.unmount(link),
    heal: (link) => folder.mount(link),
    [Symbol.asyncDispose]: async () => {
      await unlock()
      await folder[Symbol.asyncDispose]()
    },
  }
}
