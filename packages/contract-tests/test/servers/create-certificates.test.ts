import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { createCertificates } from '../../src/servers/index.ts'

test('server and client trust each other’s certificate, and the client’s has the requested name', async () => {
  const { ca, server: own, client } = await createCertificates('registry-user')
  const options = { ca, requestCert: true, rejectUnauthorized: true }
  const server = createServer({ ...own, ...options })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
    const socket = connect({ host: '127.0.0.1', port, ca, ...client })
    await once(socket, 'secureConnect')
    expect(socket.authorized).toBe(true)
    const [seen] = await accepted
    expect((seen.getPeerCertificate() satisfies PeerCertificate).subject.CN).toBe('registry-user')
    socket.destroy()
    const stranger = connect({ host: '127.0.0.1', port, ca: (await createCertificates()).ca })
    await expect(once(stranger, 'secureConnect')).rejects.toThrow(/certificate/)
  } finally {
    server.close()
  }
})
