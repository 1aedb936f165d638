import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { resolveCheck, type HealthCheck } from '../../src/check/check-options.ts'

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
    const host = await serving((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      ports.add(request.socket.remotePort)
      response.end('x'.repeat(1_000_000))
    })
    const check = { http: `http://${host}/healthz?deep=1` }
    expect([await run(check), await run(check)]).toEqual(['passing', 'passing'])
    expect(asked).toEqual(['GET /healthz?deep=1', 'GET /healthz?deep=1'])
    expect(ports.size).toBe(2)
  })

  test('a server that hangs, and none at all', async () => {
    const host = await serving(() => {})
    const hanging = AbortSignal.timeout(100)
    expect(await run({ http: `http://${host}/` }, hanging)).toContain('does not answer')
    expect(await run({ http: 'http://127.0.0.1:1/' })).toContain('ECONNREFUSED')
  })
})

describe('tcp', () => {
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
