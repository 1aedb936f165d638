import type { SecureConnection } from '@sd/contract-tests'
import type { Certificates, Cluster } from '@sd/contract-tests/servers'
import { consul as consulServer, launch } from '@sd/test-servers'
import { createCertificates } from '@sd/contract-tests/servers'
import { until } from '@sd/test-servers'
import { consul, type ConsulConfig } from '../src/index.ts'
import { Admin, httpOf } from './support.ts'

/** The management token of the servers with ACLs. */
export const managementToken = 'b1f0a7d2-6f4e-4c58-9a39-3f8f1f6c5e01'

/** A server where a token without a policy may do nothing. */
export const launchWithAcls = async (): Promise<Cluster> => {
  const cluster = await launch(consulServer, {
    args: [
      `-hcl=acl { enabled = true default_policy = "deny" tokens { master = "${managementToken}" agent = "${managementToken}" } }`,
    ],
  })
  const admin = new Admin(httpOf(cluster.servers[0]), managementToken)
  // a server that has just started accepts only its configured tokens
  await until(
    'the server serves policies',
    async () => (await admin.get<unknown[]>('acl/policies')).length > 0,
  )
  return cluster
}

/** A token of a new policy; resolves once the server accepts it. */
export const createToken = async (host: string, name: string, rules: string): Promise<string> => {
  const admin = new Admin(host, managementToken)
  const policy = await admin.put<{ ID: string }>('acl/policy', { Name: name, Rules: rules })
  const { SecretID } = await admin.put<{ SecretID: string }>('acl/token', {
    Policies: [{ ID: policy.ID }],
  })
  return SecretID
}

/** A server that speaks HTTPS on its `wan` port and asks for client certificates. */
export const launchWithTls = ({ ca, server }: Certificates): Promise<Cluster> =>
  launch(consulServer, {
    files: { 'ca.pem': ca, 'cert.pem': server.cert, 'key.pem': server.key },
    args: (member) => [
      '-serf-wan-port=-1',
      `-hcl=ports { https = ${member.port('wan')} }`,
      `-hcl=ca_file = "${member.confDir}/ca.pem"`,
      `-hcl=cert_file = "${member.confDir}/cert.pem"`,
      `-hcl=key_file = "${member.confDir}/key.pem"`,
      '-hcl=verify_incoming_https = true',
    ],
  })

/** `host:port` of the HTTPS interface. */
export const httpsOf = (cluster: Cluster): string => cluster.servers[0]?.endpoints['wan'] ?? ''

/** The policy of a process that registers and discovers under any service name. */
export const fullRules = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }'

/** Servers that require certificates or a token. */
export interface SecureServers extends AsyncDisposable {
  readonly connections: Readonly<Record<string, SecureConnection>>
  /** How to reach each, by the same names. */
  readonly configs: Readonly<Record<'client-certificate' | 'token', ConsulConfig>>
}

const controlOf = (cluster: Cluster): SecureConnection['server'] => ({
  stop: (how) => cluster.stop(how),
  start: () => cluster.start(),
})

/** One server with its own authority that requires client certificates, and one with ACLs. */
export const launchSecureServers = async (): Promise<SecureServers> => {
  const certificates = await createCertificates()
  const [tls, acls] = await Promise.all([launchWithTls(certificates), launchWithAcls()])
  const { ca, client } = certificates
  const host = httpOf(acls.servers[0])
  const token = await createToken(host, 'contract', fullRules)
  const refusedToken = '0d3fd0e1-2f0e-4bd6-8f62-5c0c6d9a7e11'
  const configs = {
    'client-certificate': { endpoint: `https://${httpsOf(tls)}`, tls: { ca, ...client } },
    token: { endpoint: `http://${host}`, token },
  }
  return {
    configs,
    connections: {
      'client-certificate': {
        connect: (namespace) => consul({ ...configs['client-certificate'], namespace }),
        server: controlOf(tls),
        secrets: [client.key, client.key.split('\n')[1] ?? client.key],
      },
      token: {
        connect: (namespace) => consul({ ...configs.token, namespace }),
        server: controlOf(acls),
        secrets: [token],
        refused: {
          connect: (namespace) =>
            consul({ endpoint: `http://${host}`, namespace, token: refusedToken }),
          secrets: [refusedToken],
        },
      },
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([tls[Symbol.asyncDispose](), acls[Symbol.asyncDispose]()])
    },
  }
}
