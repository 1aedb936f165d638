import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { resolveCheck, runCheck, type HealthCheck } from '../../src/check/check-options.ts'
import { certificate, privateKey } from '../self-signed.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const listening = async (server: Server): Promise<string> => {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const run = async (check: HealthCheck, signal = AbortSignal.timeout(10_000)): Promise<string> => {
  try {
    await resolveCheck({ check })?.run(signal)
    return 'passing'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('http', () => {
  const serving = (listener: RequestListener): Promise<string> =>
    listening(createHttpServer(listener))

  test.each([
    [200, 'passing'],
    [204, 'passing'],
    [299, 'passing'],
    [300, 'answers 300'],
    [302, 'answers 302'],
    [404, 'answers 404'],
    [503, 'answers 503'],
  ])('%i: %s', async (status, result) => {
    const host = await serving((_, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(),
    )
    expect(await run({ http: `http://${host}/healthz` })).toContain(result)
  })

  test('asks for the path with its query, on a new connection each time', async () => {
    const asked: string[] = []
    const ports = new Set<number | undefined>()
    const closed: unknown[] = []
    const host = await serving((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.connection}`)
      response.on('close', () => closed.push(response.writableFinished))
      ports.add(request.socket.remotePort)
      response.write('the begin of a body without an end')
    })
    const check = { http: `http://${host}/healthz?deep=1` }
    expect([await run(check), await run(check)]).toEqual(['passing', 'passing'])
    expect(asked).toEqual(['GET /healthz?deep=1 close', 'GET /healthz?deep=1 close'])
    expect(ports.size).toBe(2)
    // without reading a body to its end
    const deadlineMs = Date.now() + 2_000
    while (closed.length < 2 && Date.now() < deadlineMs) await new Promise(setImmediate)
    expect(closed).toEqual([false, false])
  })

  test('a server that hangs, and none at all', async () => {
    const host = await serving(() => {})
    const hanging = AbortSignal.timeout(100)
    expect(await run({ http: `http://${host}/` }, hanging)).toContain('does not answer')
    expect(await run({ http: 'http://127.0.0.1:1/' })).toContain('ECONNREFUSED')
  })
})

test('https uses TLS, and a failure names its cause', async () => {
  const server = createSecureServer({ cert: certificate, key: privateKey })
  const host = await listening(server)
  expect(await run({ http: `https://${host}/` })).toContain('self-signed certificate')
  await expect(
    runCheck({ http: 'http://127.0.0.1:1/' }, AbortSignal.timeout(10_000)),
  ).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  await expect(runCheck({ tcp: '127.0.0.1:1' }, AbortSignal.timeout(10_000))).rejects.toMatchObject(
    { cause: { code: 'ECONNREFUSED' } },
  )
})

test('runCheck fails where a function returns false, and only there', async () => {
  const { signal } = new AbortController()
  await expect(runCheck(() => false, signal)).rejects.toThrow('it returned false')
  await expect(runCheck(() => undefined, signal)).resolves.toBeUndefined()
  await expect(runCheck(async () => true, signal)).resolves.toBeUndefined()
})

describe('tcp', () => {
  test('closes the connection that was accepted', async () => {
    const server = createTcpServer()
    const ended = once(server, 'connection').then(([socket]) => once(socket as Socket, 'close'))
    server.on('connection', (socket) => socket.resume())
    expect(await run({ tcp: await listening(server) })).toBe('passing')
    await ended
  })

  test('passes where a connection is accepted', async () => {
    const host = await listening(createTcpServer())
    expect(await run({ tcp: host })).toBe('passing')
    expect(await run({ tcp: `tcp://${host}` })).toBe('passing')
    expect(await run({ tcp: '127.0.0.1:1' })).toContain('127.0.0.1:1 accepts no connection')
  })
})

describe('grpc', () => {
  test('something that is no gRPC server', async () => {
    const http = await listening(createHttpServer((_, response) => response.end('hello')))
    expect(await run({ grpc: http })).not.toBe('passing')
    const silent = await listening(createTcpServer())
    expect(await run({ grpc: silent }, AbortSignal.timeout(100))).toContain('in time')
    expect(await run({ grpc: '127.0.0.1:1' })).toContain('ECONNREFUSED')
  })
})
