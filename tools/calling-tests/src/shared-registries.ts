import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from '@sd/core'
import { consul } from '@sd/consul'
import { etcd } from '@sd/etcd'
import { sqlite } from '@sd/sqlite'
import { zookeeper } from '@sd/zookeeper'
import {
  consul as consulServer,
  etcd as etcdServer,
  launch,
  type TestServer,
  wantedServers,
  zookeeper as zookeeperServer,
} from '@sd/test-servers'

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
    // a process that a test still stops may write in it meanwhile
    [Symbol.asyncDispose]: () =>
      rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  }
}

interface ServerBackend {
  readonly spec: TestServer
  /** The name of the endpoint that its clients use. */
  readonly endpoint: string
  readonly open: (endpoint: string) => Registry
}

const onServer = async ({ spec, endpoint: name, open }: ServerBackend): Promise<SharedRegistry> => {
  const cluster = await launch(spec)
  const [server] = cluster.servers
  if (server === undefined) throw new Error('no server was launched')
  const endpoint = server.endpoints[name] ?? ''
  return {
    url: `${spec.name}://${endpoint}`,
    open: () => open(endpoint),
    takeAway: async () => {
      await server.stop('kill')
      return { [Symbol.asyncDispose]: () => server.start() }
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

type Choice = readonly [name: string, open: () => Promise<SharedRegistry>]

const ifProvided = (backend: ServerBackend): readonly Choice[] =>
  wantedServers().includes(backend.spec) ? [[backend.spec.name, () => onServer(backend)]] : []

/** The embedded default, and etcd if this run provides it. */
export const sharedRegistries: readonly Choice[] = [
  ['sqlite', onSqlite],
  ...ifProvided({
    spec: etcdServer,
    endpoint: 'client',
    open: (endpoint) => new Registry(etcd({ endpoints: [`http://${endpoint}`] })),
  }),
]

/** The embedded default, and every server that this run provides. */
export const everySharedRegistry: readonly Choice[] = [
  ...sharedRegistries,
  ...ifProvided({
    spec: zookeeperServer,
    endpoint: 'client',
    open: (endpoint) => new Registry(zookeeper({ hosts: [endpoint] })),
  }),
  ...ifProvided({
    spec: consulServer,
    endpoint: 'http',
    open: (endpoint) => new Registry(consul({ endpoint: `http://${endpoint}` })),
  }),
]
