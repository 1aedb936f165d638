import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectSecurely } from 'node:tls'
import {
  createCertificates,
  launchCluster,
  ports,
  StrangeHost,
  TcpProxy,
} from '@sd/contract-tests/servers'
import { expect, test } from 'vitest'
import { theirServer } from './their-server.ts'

const portOf = (endpoint = ''): number => Number(endpoint.split(':')[1])

const ask = async (socket: Duplex, line: string): Promise<string> => {
  socket.write(line)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString()
}

const askPlainly = (endpoint: string | undefined, line: string): Promise<string> =>
  ask(connectPlain({ host: '127.0.0.1', port: portOf(endpoint) }), line)

test('a real server is launched, killed, wiped, and disconnected', async () => {
  await using cluster = await launchCluster(theirServer)
  const [server] = cluster.servers
  if (server === undefined) throw new Error('no server was launched')
  await using proxy = await TcpProxy.to(server.endpoints['client'] ?? '')
  expect(await askPlainly(proxy.endpoint, 'echo hello')).toBe('hello')
  await server.restart('kill')
  expect(await askPlainly(proxy.endpoint, 'starts')).toBe('2')
  await server.stop()
  await server.wipe()
  await server.start()
  expect(await askPlainly(proxy.endpoint, 'starts')).toBe('1')
  proxy.cutAfter(3)
  const cut = connectPlain({ host: '127.0.0.1', port: portOf(proxy.endpoint) })
  cut.write('echo 12345')
  const ended = once(cut, 'close')
  cut.on('error', () => {})
  expect(String((await once(cut, 'data'))[0])).toBe('123')
  await ended
})

test('a server with TLS is trusted by its certificate', async () => {
  const { ca, server: tls } = await createCertificates()
  await using cluster = await launchCluster(theirServer, { tls })
  const port = portOf(cluster.servers[0]?.endpoints['client'])
  const secure = connectSecurely({ host: '127.0.0.1', port, ca })
  await once(secure, 'secureConnect')
  expect(await ask(secure, 'echo secret')).toBe('secret')
})

test('a host with another protocol, and a reserved port', async () => {
  await using silent = await StrangeHost.that('silent')
  const port = await ports.reserve()
  expect(port).not.toBe(portOf(silent.endpoint))
  ports.release([port])
})

test('the error names the package that containers need', async () => {
  const { process: _, ...container } = theirServer
  await expect(launchCluster(container)).rejects.toThrow('npm install --save-dev testcontainers')
})
