import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import {
  Client,
  credentials,
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
} from '@grpc/grpc-js'
import { SpanKind } from '@opentelemetry/api'
import { sharedRegistries } from '@sd/calling-tests'
import { until } from '@sd/test-servers'
import { expect, onTestFinished, test } from 'vitest'
import { echoMethod } from './echo-method.ts'
import type { WrittenSpan } from './trace-to-stdout.ts'

const [, openSqlite] = sharedRegistries[0] as (typeof sharedRegistries)[number]
const sd = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))
const preload = new URL('trace-to-stdout.ts', import.meta.url).href

/** `sd gateway` with an OpenTelemetry SDK, in a process of its own. */
const startGateway = async (
  url: string,
): Promise<{ host: string; spans: () => readonly WrittenSpan[] }> => {
  const routes = ['/orders=orders', '/test.Echo=prices'].flatMap((route) => ['--route', route])
  const args = ['gateway', '--host', '127.0.0.1', '--port', '0', '--access-log', 'none', ...routes]
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=@sd/source', '--no-warnings', '--import', preload, sd, ...args],
    { env: { ...process.env, SD_URL: url }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  onTestFinished(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const listening = /listening on http:\/\/(\S+),/
  await until('the gateway listens', () => listening.test(stderr)).catch((error: unknown) => {
    throw new Error(`sd gateway: ${stderr}`, { cause: error })
  })
  const lines = (): readonly string[] => stdout.split('\n').slice(0, -1)
  return {
    host: listening.exec(stderr)?.[1] ?? '',
    spans: () => lines().map((line) => JSON.parse(line) as WrittenSpan),
  }
}

const [traceId, clientId] = ['a'.repeat(32), 'b'.repeat(16)]
const traceparent = `00-${traceId}-${clientId}-01`

/** Checks the gateway's two spans, between the client's and what the service got. */
const expectChain = async (
  spans: () => readonly WrittenSpan[],
  names: readonly [server: string, client: string],
  arrived: () => string,
): Promise<void> => {
  await until('both spans have ended', () => spans().length === 2)
  const [server, client] = names.map((name) => spans().find((span) => span.name === name))
  expect(server).toMatchObject({ kind: SpanKind.SERVER, traceId, parentId: clientId })
  expect(client).toMatchObject({ kind: SpanKind.CLIENT, traceId, parentId: server?.spanId })
  expect(arrived()).toBe(`00-${traceId}-${client?.spanId}-01`)
}

test('`sd gateway` with an SDK passes on a trace over HTTP/1.1', async () => {
  await using shared = await openSqlite()
  await using registry = shared.open()
  let arrived = ''
  const server = http
    .createServer(({ headers }, response) => {
      arrived = String(headers['traceparent'])
      response.end()
    })
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  await registry.register({ service: 'orders', endpoints: [`http://127.0.0.1:${port}`] })
  const { host, spans } = await startGateway(shared.url)
  const response = await fetch(`http://${host}/orders/1`, { headers: { traceparent } })
  expect(response.status).toBe(200)
  await expectChain(spans, ['GET /orders', 'GET'], () => arrived)
})

test('`sd gateway` with an SDK passes on a trace over gRPC', async () => {
  await using shared = await openSqlite()
  await using registry = shared.open()
  let arrived = ''
  const server = new Server()
  const unary = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void => {
    arrived = String(call.metadata.get('traceparent')[0])
    answer(null, call.request)
  }
  server.addService({ unary: echoMethod }, { unary })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  onTestFinished(() => server.forceShutdown())
  await registry.register({ service: 'prices', endpoints: [`grpc://127.0.0.1:${port}`] })
  const { host, spans } = await startGateway(shared.url)
  const client = new Client(host, credentials.createInsecure())
  onTestFinished(() => client.close())
  const metadata = new Metadata()
  metadata.set('traceparent', traceparent)
  const deadline = Date.now() + 30_000
  await new Promise<void>((resolve, reject) =>
    client.makeUnaryRequest(
      echoMethod.path,
      echoMethod.requestSerialize,
      echoMethod.responseDeserialize,
      Buffer.from('x'),
      metadata,
      { deadline },
      (error) => (error === null ? resolve() : reject(error)),
    ),
  )
  await expectChain(spans, ['POST /test.Echo', 'test.Echo/Unary'], () => arrived)
})
