import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { MemoryStore } from '@sd/memory'
import { createRegistry, type Registry } from '@sd/registry'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { httpServer, type RunningService, runService } from '../src/index.ts'

let registry: Registry
let services: RunningService[] = []
beforeEach(async () => {
  registry = await createRegistry({ backend: 'memory', store: new MemoryStore() })
})
afterEach(async () => {
  await Promise.all(services.map((service) => service.stop()))
  services = []
  await registry.close()
})

const run = async (
  server: Server | ReturnType<typeof createHttp2Server>,
  options: Partial<Parameters<typeof runService>[0]> = {},
): Promise<RunningService> => {
  const service = await runService({
    registry,
    instance: { service: 'orders' },
    listen: httpServer(server, { host: '127.0.0.1' }),
    propagationMs: 0,
    signals: [],
    ...options,
  })
  services.push(service)
  return service
}

const portOf = ({ ports }: RunningService): number => ports[0]?.port ?? 0

const request = async (
  port: number,
  path: string,
  agent: Agent,
): Promise<{ readonly response: IncomingMessage; readonly body: string }> => {
  const asked = get({ port, path, agent, host: '127.0.0.1' })
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return { response, body: (await response.toArray()).join('') }
}

describe('draining', () => {
  test('closes idle and silent connections at once', async () => {
    const agent = new Agent({ keepAlive: true })
    const service = await run(createServer((_, response) => response.end('ok')))
    expect((await request(portOf(service), '/', agent)).body).toBe('ok')
    const silent: Socket = connect(portOf(service), '127.0.0.1')
    await once(silent, 'connect')
    // once the server answers a later connection, it has accepted the silent one
    await request(portOf(service), '/', new Agent())
    const beganMs = performance.now()
    expect(await service.stop()).toEqual({ exitCode: 0, errors: [] })
    expect(performance.now() - beganMs).toBeLessThan(2_000) // the keep-alive timeout alone is 6 s
    agent.destroy()
    silent.destroy()
  })

  test('answers requests in flight, and closes their connection', async () => {
    const release = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const agent = new Agent({ keepAlive: true })
    const server = createServer((_, response) => {
      begun.resolve()
      void release.promise.then(() => response.end('late'))
    })
    const service = await run(server)
    const answered = request(portOf(service), '/slow', agent)
    await begun.promise
    const stopped = service.stop()
    await expect.poll(() => server.listening).toBe(false)
    await expect(fetch(`http://127.0.0.1:${portOf(service)}`)).rejects.toThrow('fetch failed')
    release.resolve()
    const { response, body } = await answered
    expect([body, response.headers.connection]).toEqual(['late', 'close'])
    expect((await stopped).exitCode).toBe(0)
    agent.destroy()
  })

  test('aborts requests that last longer than its deadline, and reports it', async () => {
    const begun = Promise.withResolvers<void>()
    const service = await run(
      createServer(() => begun.resolve()),
      { drainMs: 50 },
    )
    const asked = get({ port: portOf(service), host: '127.0.0.1' })
    const cut = once(asked, 'error')
    await begun.promise
    const { exitCode, errors } = await service.stop()
    expect(exitCode).toBe(1)
    expect(String(errors[0])).toBe('PhaseTimeoutError: drain did not end within 50 ms')
    expect((await cut)[0]).toMatchObject({ code: 'ECONNRESET' })
  })

  test('sends GOAWAY to HTTP/2 sessions and lets their streams end', async () => {
    const release = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const service = await run(
      createHttp2Server((_, response) => {
        begun.resolve()
        void release.promise.then(() => response.end('late'))
      }),
    )
    const session = connectHttp2(`http://127.0.0.1:${portOf(service)}`)
    const goaway = once(session, 'goaway')
    const stream = session.request({ ':path': '/' })
    await begun.promise
    const stopped = service.stop()
    await goaway
    release.resolve()
    expect((await stream.toArray()).join('')).toBe('late')
    expect((await stopped).exitCode).toBe(0)
  })

  test.each([0, 1])(
    'answers a request that comes as it begins, after %d others',
    async (others) => {
      const server = createServer((_, response) => response.end('ok'))
      const listener = httpServer(server, { host: '127.0.0.1' })
      const [{ port } = { port: 0 }] = await listener.listen(new AbortController().signal)
      const accepted = once(server, 'connection')
      const socket = connect(port, '127.0.0.1').setEncoding('utf8')
      await accepted
      const ask = (): unknown =>
        socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')
      for (let i = 0; i < others; i += 1) {
        ask()
        await once(socket, 'data')
      }
      const answer = socket.toArray()
      ask()
      await listener.drain(new AbortController().signal)
      expect((await answer).join('')).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close\r\n.*ok$/is)
    },
  )

  test('sends GOAWAY to an HTTP/2 session without a request', async () => {
    const listener = httpServer(createHttp2Server(), { host: '127.0.0.1' })
    const [{ port } = { port: 0 }] = await listener.listen(new AbortController().signal)
    const session = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {})
    await once(session, 'remoteSettings')
    const told: string[] = []
    session.once('goaway', () => told.push('goaway'))
    const closed = once(session, 'close')
    await listener.drain(new AbortController().signal)
    await closed
    expect(told).toEqual(['goaway'])
  })

  test('lets its hook end upgraded connections, and destroys the others', async () => {
    const sockets: Socket[] = []
    const server = createServer()
    server.on('upgrade', (_, socket: Socket) => {
      sockets.push(socket)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    })
    const service = await run(server, { onDrain: () => void sockets[0]?.end(), drainMs: 100 })
    const upgrade = async (): Promise<Socket> => {
      const asked = get({
        port: portOf(service),
        host: '127.0.0.1',
        headers: { connection: 'upgrade', upgrade: 'x' },
      })
      const [, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket]
      return socket.on('error', () => {}).resume()
    }
    const polite = await upgrade()
    const stubborn = await upgrade()
    const ended = Promise.all([
      once(polite, 'end').then(() => polite.end()),
      once(stubborn, 'close'),
    ])
    const { errors } = await service.stop()
    await ended
    expect(String(errors)).toBe('PhaseTimeoutError: drain did not end within 100 ms')
  })
})
