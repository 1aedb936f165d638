import { type DriverFactory, jsonFormat } from '@sd/core/driver'
import { type ContractHarness, forkedOwners, type Need } from '@sd/contract-tests'
import { linkFaults, TcpProxy } from '@sd/contract-tests/servers'
import {
  consul as consulServer,
  harnessHooks,
  provideServers,
  provisionFor,
} from '@sd/test-servers'
import { layoutFor } from '../src/catalog/layout-for.ts'
import { consul, consulFormats, type ConsulFormatName } from '../src/index.ts'
import { launchSecureServers } from './secure-servers.ts'
import { Admin } from './support.ts'

/** All hooks of the suite that Consul supports. */
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
  'backUp',
  'deleteRecord',
  'writeRaw',
  'startOwner',
  'startWorkerOwner',
  'secure',
  'askForTls',
  'invalidConfigs',
]

/** The hooks of this run. */
export const consulHooks = harnessHooks(await provisionFor('consul'), hooks)

/** A harness for the large cases only: one real server, without faults. */
export const plainHarness = async (): Promise<ContractHarness> => {
  const servers = await provideServers(consulServer)
  const [host = ''] = servers.endpoints
  return {
    connect: (namespace) => consul({ endpoint: `http://${host}`, namespace }),
    expireSession: (sessionId) => new Admin(host).expire(sessionId),
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  }
}

/** A harness over one real server, behind a proxy that applies the link faults. */
export const consulHarness = async (name: ConsulFormatName = 'json'): Promise<ContractHarness> => {
  const format = consulFormats[name]
  const servers = await provideServers(consulServer)
  const [server] = servers.control?.servers ?? []
  const secure = server && format === jsonFormat ? await launchSecureServers() : undefined
  const [direct = ''] = servers.endpoints
  const admin = new Admin(direct)
  const proxy = await TcpProxy.to(direct)
  const over =
    (host: string) =>
    (namespace: string): DriverFactory =>
      consul({ endpoint: `http://${host}`, namespace })
  const endpoint = 'http://127.0.0.1:1'
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
    }),
    ...(secure && { secure: secure.connections }),
    expireSession: (sessionId) => admin.expire(sessionId, layoutFor(format, undefined)),
    // every earlier blocking query has ended, and the state differs
    loseHistory: async () => admin.restore(await admin.snapshot()),
    backUp: async () => {
      const snapshot = await admin.snapshot()
      return { restore: () => admin.restore(snapshot) }
    },
    deleteRecord: async (namespace, service, id) => {
      const layout = layoutFor(format, namespace)
      const serviceId = layout.serviceId({ service, id })
      await admin.deregister(serviceId)
      await admin.gone(layout.serviceName(service), serviceId)
    },
    writeRaw: async (namespace, service, id, value) => {
      const layout = layoutFor(format, namespace)
      const text = Buffer.from(value).toString()
      const serviceId = layout.serviceId({ service, id })
      const inMeta = format === jsonFormat && text !== ''
      const registration = {
        Name: layout.serviceName(service),
        ID: serviceId,
        Address: '10.0.0.7',
        Port: 8080,
        Meta: inMeta ? { sd_record_0: text } : {},
        Check: {
          CheckID: `service:${serviceId}`,
          Name: layout.checkName,
          Notes: inMeta ? '' : text,
          TTL: '1h',
          Status: 'passing',
        },
      }
      await admin.put('agent/service/register?replace-existing-checks=true', registration)
      await admin.shows(registration.Name, serviceId, ({ Service, Checks }) =>
        inMeta
          ? Service.Meta['sd_record_0'] === text
          : Checks.some(
              ({ CheckID, Notes }) => CheckID === registration.Check.CheckID && Notes === text,
            ),
      )
    },
    ...forkedOwners({
      module: new URL('consul-in-format.ts', import.meta.url).href,
      factory: 'consulInFormat',
      config: { endpoint: `http://${direct}`, format: name },
    }),
    askForTls: () => consul({ endpoint: 'https://127.0.0.1:1', tls: {} }),
    invalidConfigs: [
      { field: 'endpoint', make: () => consul({ endpoint: 'nowhere' }) },
      { field: 'endpoint', make: () => consul({ endpoint: 'ftp://h:1' }) },
      { field: 'namespace', make: () => consul({ endpoint, namespace: '' }) },
      { field: 'consistency', make: () => consul({ endpoint, consistency: 'sure' as never }) },
      { field: 'datacenter', make: () => consul({ endpoint, datacenter: 'a b' }) },
      { field: 'token', make: () => consul({ endpoint, token: '' }) },
      { field: 'tls', make: () => consul({ endpoint, tls: {} }) },
      { field: 'endpoint', make: () => consul({ endpoints: [endpoint] } as never) },
    ],
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      await Promise.all([servers[Symbol.asyncDispose](), secure?.[Symbol.asyncDispose]()])
    },
  }
}
