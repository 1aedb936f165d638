import type { DriverFactory } from '@sd/core/driver'
import { jsonFormat } from '@sd/core/driver'
import {
  type ContractHarness,
  forkedOwners,
  type Need,
  type SecureConnection,
} from '@sd/contract-tests'
import { soon } from '@sd/contract-tests/world'
import { backUpData, createCertificates, linkFaults, TcpProxy } from '@sd/contract-tests/servers'
import {
  expireZooKeeperSession,
  harnessHooks,
  launch,
  provisionFor,
  zookeeper as zookeeperServer,
} from '@sd/test-servers'
import { zookeeper, zookeeperFormats, type ZooKeeperFormatName } from '../src/index.ts'
import { admin, clientOf, writePersistent } from './support.ts'
import { clientTls, plainOf, provideZooKeeper } from './test-tls.ts'

const provision = await provisionFor('zookeeper')

/** All hooks of the suite except `loseHistory`: there is no history to resume from. */
const hooks: readonly Need[] = [
  'connectDirect',
  'server',
  'partition',
  'slow',
  'narrow',
  'cutAt',
  'silence',
  'hangWrites',
  'connectionCount',
  'expireSession',
  // the data of a container is not accessible
  ...(provision.how === 'container' ? [] : (['backUp'] as const)),
  'deleteRecord',
  'writeRaw',
  'startOwner',
  'startWorkerOwner',
  'secure',
  'askForTls',
  'invalidConfigs',
]

/** The hooks of this run. */
export const zookeeperHooks = harnessHooks(provision, hooks)

/** What ZooKeeper cannot do, in whatever format. */
export const gapsInAnyFormat: Readonly<Record<string, string>> = {
  'T28 reports a record that another owner replaced, and has removed since, as replaced':
    'ZooKeeper keeps no history, and only the client of a session can create nodes that end with it',
}

/** A harness over one real server, behind a proxy that applies the link faults. */
export const zookeeperHarness = async (
  name: ZooKeeperFormatName = 'json',
): Promise<ContractHarness> => {
  const format = zookeeperFormats[name]
  const tls = provision.how === 'endpoint' ? undefined : await createCertificates()
  const servers = await provideZooKeeper()
  const [server] = servers.control?.servers ?? []
  const [direct = ''] = servers.endpoints
  const proxy = await TcpProxy.to(direct)
  const overTls =
    tls &&
    format === jsonFormat &&
    (await launch(zookeeperServer, { tls: { ...tls.server, ca: tls.ca, clientCertAuth: true } }))
  const over =
    (endpoint: string) =>
    (namespace: string): DriverFactory =>
      zookeeper({ ...clientTls, hosts: [endpoint], namespace })
  const pathOf = (namespace: string, service: string, id: string): string =>
    `/${namespace}/${format.key({ service, id }, '')}`
  const password = 'hunter2-contract'
  const refusedPassword = 'hunter3-refused'
  const withPassword =
    (word: string) =>
    (namespace: string): DriverFactory =>
      zookeeper({
        ...clientTls,
        hosts: [direct],
        namespace,
        username: 'app',
        password: word,
        worldReadable: false,
      })
  return {
    connect: over(proxy.endpoint),
    connectDirect: over(direct),
    ...linkFaults(proxy),
    ...(server && {
      server: {
        stop: (how) => server.stop(how),
        start: () => server.start(),
        wipe: () => server.wipe(),
        pause: () => server.pause(),
        resume: () => server.resume(),
      },
      backUp: () => backUpData(server),
      secure: {
        digest: {
          connect: withPassword(password),
          server: { stop: (how) => server.stop(how), start: () => server.start() },
          secrets: [password, Buffer.from(`app:${password}`).toString('base64')],
          refused: {
            connect: withPassword(refusedPassword),
            secrets: [refusedPassword, Buffer.from(`app:${refusedPassword}`).toString('base64')],
          },
        },
        ...(tls &&
          overTls && {
            'client-certificate': {
              connect: (namespace: string) =>
                zookeeper({
                  hosts: overTls.servers.map(clientOf),
                  namespace,
                  tls: { ca: tls.ca, ...tls.client },
                }),
              server: { stop: (how) => overTls.stop(how), start: () => overTls.start() },
              secrets: [tls.client.key, tls.client.key.split('\n')[1] ?? tls.client.key],
            } satisfies SecureConnection,
          }),
      },
    }),
    expireSession: (sessionId) => expireZooKeeperSession(plainOf(servers), sessionId),
    deleteRecord: async (namespace, service, id) => {
      await using client = await admin(direct)
      await client.delete(pathOf(namespace, service, id), -1, soon())
    },
    writeRaw: async (namespace, service, id, value) => {
      await using client = await admin(direct)
      await writePersistent(client, pathOf(namespace, service, id), value)
    },
    ...forkedOwners({
      module: new URL('zookeeper-in-format.ts', import.meta.url).href,
      factory: 'zookeeperInFormat',
      config: { ...clientTls, hosts: [direct], format: name },
    }),
    askForTls: () => zookeeper({ hosts: ['127.0.0.1:1'], tls: {} }),
    invalidConfigs: [
      { field: 'hosts', make: () => zookeeper({ hosts: [] }) },
      { field: 'hosts', make: () => zookeeper({ hosts: ['http://h:1'] }) },
      { field: 'namespace', make: () => zookeeper({ hosts: ['h'], namespace: 'a/../b' }) },
      { field: 'password', make: () => zookeeper({ hosts: ['h'], username: 'u' }) },
    ],
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      if (overTls) await overTls[Symbol.asyncDispose]()
      await servers[Symbol.asyncDispose]()
    },
  }
}
