import type { DriverFactory } from '@sd/core/driver'
import { jsonFormat } from '@sd/core/driver'
import { type ContractHarness, forkedOwners, type Need } from '@sd/contract-tests'
import { backUpData, linkFaults, TcpProxy } from '@sd/contract-tests/servers'
import { etcd as etcdServer, harnessHooks, provideServers, provisionFor } from '@sd/test-servers'
import { etcd, etcdFormats, type EtcdFormatName } from '../src/index.ts'
import { launchSecureServers } from './secure-servers.ts'
import { admin } from './support.ts'

const provision = await provisionFor('etcd')

/** All hooks of the suite. */
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
  'loseHistory',
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
export const etcdHooks = harnessHooks(provision, hooks)

/** A harness over one real server, behind a proxy that applies the link faults. */
export const etcdHarness = async (name: EtcdFormatName = 'json'): Promise<ContractHarness> => {
  const format = etcdFormats[name]
  const servers = await provideServers(etcdServer)
  const [server] = servers.control?.servers ?? []
  const secure = server && format === jsonFormat ? await launchSecureServers() : undefined
  const [direct = ''] = servers.endpoints
  const proxy = await TcpProxy.to(direct)
  const over =
    (endpoint: string) =>
    (namespace: string): DriverFactory =>
      etcd({ endpoints: [`http://${endpoint}`], namespace })
  const keyOf = (namespace: string, service: string, id: string): string =>
    `${format.namespacePrefix?.(namespace) ?? `${namespace}/`}${format.key({ service, id }, '')}`
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
    }),
    ...(secure && { secure: secure.connections }),
    expireSession: async (sessionId) => {
      using etcdItself = admin(direct)
      await etcdItself.leaseClient.leaseRevoke({ ID: sessionId })
    },
    loseHistory: async () => {
      using etcdItself = admin(direct)
      const { revision } = (await etcdItself.put('compacted').value('').exec()).header
      await etcdItself.kv.compact({ revision, physical: true })
    },
    deleteRecord: async (namespace, service, id) => {
      using etcdItself = admin(direct)
      await etcdItself.delete().key(keyOf(namespace, service, id))
    },
    writeRaw: async (namespace, service, id, value) => {
      using etcdItself = admin(direct)
      await etcdItself.put(keyOf(namespace, service, id)).value(Buffer.from(value))
    },
    ...forkedOwners({
      module: new URL('etcd-in-format.ts', import.meta.url).href,
      factory: 'etcdInFormat',
      config: { endpoints: [`http://${direct}`], format: name },
    }),
    askForTls: () => etcd({ endpoints: ['https://127.0.0.1:1'], tls: {} }),
    invalidConfigs: [
      { field: 'endpoints', make: () => etcd({ endpoints: [] }) },
      { field: 'endpoints', make: () => etcd({ endpoints: ['ftp://h:1'] }) },
      {
        field: 'tls',
        make: () => etcd({ endpoints: ['http://127.0.0.1:1'], tls: {} }),
      },
    ],
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      await Promise.all([servers[Symbol.asyncDispose](), secure?.[Symbol.asyncDispose]()])
    },
  }
}
