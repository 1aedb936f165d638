import type { IncomingMessage } from 'node:http'
import https, { createServer } from 'node:https'
import http2 from 'node:http2'
import { once } from 'node:events'
import { createCertificates } from '@sd/contract-tests/servers'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { RouteTls } from '../src/index.ts'
import { World } from './world.ts'

const { ca, server: certificate } = await createCertificates()

const get = async (port: number, path: string): Promise<{ status: number; body: string }> => {
  const request = https.get({ host: 'localhost', port, path, ca, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks = await response.setEncoding('utf8').toArray()
  return { status: response.statusCode ?? 0, body: chunks.join('') }
}

/** A world with an instance over TLS and a gateway with TLS in front. */
const secured = async (world: World, tls?: RouteTls): Promise<WebSocketServer> => {
  const server = createServer(certificate, (request, response) =>
    response.end([request.headers['x-forwarded-proto'], request.headers.forwarded].join(' ')),
  )
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  const { port } = await world.server(server)
  await world.register(port, 'orders', 'https')
  await world.gateway([{ service: 'orders', scheme: 'https', tls }], { tls: certificate })
  return sockets
}

describe('TLS', () => {
  test('in front and behind, over HTTP/1.1, HTTP/2 and WebSocket', async () => {
    await using world = await World.create()
    await secured(world, { ca, name: 'localhost' })
    const { status, body } = await get(world.port, '/')
    expect(status).toBe(200)
    expect(body).toBe(`https for=127.0.0.1;host="localhost:${world.port}";proto=https`)
    const session = http2.connect(`https://localhost:${world.port}`, { ca: ca })
    const stream = session.request({ ':path': '/' })
    expect((await stream.setEncoding('utf8').toArray()).join('')).toMatch(/^https for=127\.0\.0\.1/)
    session.close()
    const socket = new WebSocket(`wss://localhost:${world.port}`, { ca: ca })
    await once(socket, 'open')
    socket.send('hello')
    expect(String((await once(socket, 'message'))[0])).toBe('hello')
    socket.terminate()
  })

  test.each([
    ['an unknown authority', { name: 'localhost' }],
    ['another name', { ca }],
  ])('behind is verified: %s', async (_, tls) => {
    await using world = await World.create()
    await secured(world, tls)
    const { status, body } = await get(world.port, '/')
    expect(status).toBe(502)
    expect(JSON.parse(body)).toMatchObject({ reason: 'tls-failed', service: 'orders' })
    const socket = new WebSocket(`wss://localhost:${world.port}`, { ca: ca })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toContain('502')
  })

  test('in front takes a new certificate while it runs', async () => {
    await using world = await World.create()
    await world.backend()
    const gateway = await world.gateway([{ service: 'orders' }], { tls: certificate })
    const other = await createCertificates()
    gateway.renewTls(other.server)
    await expect(get(world.port, '/')).rejects.toThrow(/unable to verify|self.signed|signature/)
    const mixed = { cert: other.server.cert, key: certificate.key }
    expect(() => gateway.renewTls(mixed)).toThrow(/invalid-config.* tls\.cert and/)
    expect(() => gateway.renewTls({ cert: 'x', key: 'y' })).toThrow('tls.cert holds no PEM block')
    gateway.renewTls(certificate)
    expect((await get(world.port, '/')).status).toBe(200)
  })
})
