import type { SecureConnection } from '@sd/contract-tests'
import { createCertificates, type Cluster } from '@sd/contract-tests/servers'
import { etcd as etcdServer, launch } from '@sd/test-servers'
import { etcd, type EtcdConfig } from '../src/index.ts'
import { admin } from './support.ts'

/** Servers that require certificates or credentials. */
export interface SecureServers extends AsyncDisposable {
  readonly connections: Readonly<Record<string, SecureConnection>>
  /** How to reach each, by the same names. */
  readonly configs: Readonly<Record<'client-certificate' | 'password', EtcdConfig>>
}

const endpointsOf = (cluster: Cluster): readonly string[] =>
  cluster.servers.map(({ endpoints }) => endpoints['client'] ?? '')

const controlOf = (cluster: Cluster): SecureConnection['server'] => ({
  stop: (how) => cluster.stop(how),
  start: () => cluster.start(),
})

/** One server with its own authority that requires client certificates, and one with users. */
export const launchSecureServers = async (): Promise<SecureServers> => {
  const { ca, server, client } = await createCertificates()
  const [tls, users] = await Promise.all([
    launch(etcdServer, { tls: { ...server, ca, clientCertAuth: true } }),
    launch(etcdServer),
  ])
  const password = 'hunter2-contract'
  const refusedPassword = 'hunter3-refused'
  {
    using etcdItself = admin(endpointsOf(users)[0] ?? '')
    await etcdItself.user('root').create(password)
    await etcdItself.role('root').create()
    await etcdItself.user('root').addRole('root')
    await etcdItself.auth.authEnable()
  }
  const configs = {
    'client-certificate': {
      endpoints: endpointsOf(tls).map((host) => `https://${host}`),
      tls: { ca, ...client },
    },
    password: {
      endpoints: endpointsOf(users).map((host) => `http://${host}`),
      username: 'root',
      password,
    },
  }
  return {
    configs,
    connections: {
      'client-certificate': {
        connect: (namespace) => etcd({ ...configs['client-certificate'], namespace }),
        server: controlOf(tls),
        secrets: [client.key, client.key.split('\n')[1] ?? client.key],
      },
      password: {
        connect: (namespace) => etcd({ ...configs.password, namespace }),
        server: controlOf(users),
        secrets: [password],
        refused: {
          connect: (namespace) =>
            etcd({ ...configs.password, namespace, password: refusedPassword }),
          secrets: [refusedPassword, Buffer.from(refusedPassword).toString('base64')],
        },
      },
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([tls[Symbol.asyncDispose](), users[Symbol.asyncDispose]()])
    },
  }
}
