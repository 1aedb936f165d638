import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from '@sd/core'
import { etcd } from '@sd/etcd'
import { sqlite } from '@sd/sqlite'
import { etcd as etcdServer, launch, wantedServers } from '@sd/test-servers'

/** A registry that several processes share. */
export interface SharedRegistry extends AsyncDisposable {
  /** Its URL, for other processes. */
  readonly url: string
  /** Opens it in this process. */
  open(): Registry
  /** Makes it unavailable until the result is disposed of. */
  takeAway(): Promise<AsyncDisposable>
}

const onSqlite = async (): Promise<SharedRegistry> => {
  const folder = await mkdtemp(join(tmpdir(), 'sd-calling-'))
  const disk = join(folder, 'disk')
  const path = join(disk, 'registry.db')
  // atomically: no process finds the link missing and creates a folder in its place
  const point = async (to: string): Promise<void> => {
    await symlink(join(folder, to), join(folder, 'draft'))
    await rename(join(folder, 'draft'), disk)
  }
  await mkdir(join(folder, 'data'))
  await point('data')
  return {
    url: `sqlite://${path}`,
    open: () => new Registry(sqlite({ path })),
    // like a disk that is not mounted
    takeAway: async () => {
      await point('nowhere')
      return { [Symbol.asyncDispose]: () => point('data') }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

const onEtcd = async (): Promise<SharedRegistry> => {
  const cluster = await launch(etcdServer)
  const [server] = cluster.servers
  if (server === undefined) throw new Error('no server was launched')
  const endpoint = server.endpoints['client']
  return {
    url: `etcd://${endpoint}`,
    open: () => new Registry(etcd({ endpoints: [`http://${endpoint}`] })),
    takeAway: async () => {
      await server.stop('kill')
      return { [Symbol.asyncDispose]: () => server.start() }
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

/** The embedded default, and etcd if this run provides it. */
export const sharedRegistries: readonly (readonly [string, () => Promise<SharedRegistry>])[] = [
  ['sqlite', onSqlite],
  ...(wantedServers().includes(etcdServer) ? [['etcd', onEtcd] as const] : []),
]
