import { request } from 'node:https'
import { describe, expect, test } from 'vitest'
import { createCertificates } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor } from '../src/index.ts'
import { callEtcd } from './etcd-client.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'

describe.runIf(controllable)('a secured etcd server', () => {
  test('serves TLS to clients that show a certificate, and restarts', async () => {
    const { ca, server: own, client } = await createCertificates()
    await using cluster = await launch(etcd, { tls: { ...own, ca, clientCertAuth: true } })
    const [server] = cluster.servers
    const version = () => getVersion(server?.endpoints['client'], { ca, ...client })
    expect(await version()).toBe(cluster.version)
    await expect(getVersion(server?.endpoints['client'], { ca })).rejects.toThrow(
      /certificate|ECONNRESET|hang up/,
    )
    await expect(getVersion(server?.endpoints['client'], {})).rejects.toThrow(/certificate/)
    await server?.restart('kill')
    expect(await version()).toBe(cluster.version)
    await server?.stop()
    await server?.wipe()
    await server?.start()
    expect(await version()).toBe(cluster.version)
  })

  test('is ready again after a restart with authentication on', async () => {
    await using cluster = await launch(etcd, { args: ['--auth-token-ttl=3'] })
    const [server] = cluster.servers
    const endpoint = server?.endpoints['client']
    await callEtcd(endpoint, 'auth/user/add', { name: 'root', password: 'secret' })
    await callEtcd(endpoint, 'auth/role/add', { name: 'root' })
    await callEtcd(endpoint, 'auth/user/grant', { user: 'root', role: 'root' })
    await callEtcd(endpoint, 'auth/enable', {})
    await server?.restart('kill')
    await expect(callEtcd(endpoint, 'kv/range', { key: 'aw==' })).rejects.toThrow(
      'user name is empty',
    )
  })
})

function getVersion(
  endpoint: string | undefined,
  tls: { ca?: string; cert?: string; key?: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(`https://${endpoint}/version`, { ...tls, agent: false }, (response) => {
      let text = ''
      response.on('data', (data: Buffer) => (text += data.toString()))
      response.on('end', () => resolve((JSON.parse(text) as { etcdserver: string }).etcdserver))
    })
    call.on('error', reject)
    call.end()
  })
}
