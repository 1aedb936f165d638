import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  addressOf,
  answersEarly,
  checkOf,
  readyChecks,
  waitUntilReady,
} from '../src/run-command/readiness.ts'

const never = new AbortController().signal
let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)))
  server = undefined
})

const listen = async (status: () => number): Promise<number> => {
  const made = createServer((_, response) => response.writeHead(status()).end())
  server = made
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  return (made.address() as AddressInfo).port
}

test.each([
  ['http://h', { host: 'h', port: 80 }],
  ['https://[::1]', { host: '::1', port: 443 }],
  ['grpc://10.0.0.7:9090/x', { host: '10.0.0.7', port: 9090 }],
  ['grpc://h', undefined],
  ['nonsense', undefined],
])('%s listens at %j', (endpoint, address) => {
  expect(addressOf(endpoint)).toEqual(address)
})

test.each([
  ['http://127.0.0.1:80/ok?x=1', { http: 'http://127.0.0.1:80/ok?x=1' }],
  ['tcp://h:5432', { tcp: 'tcp://h:5432' }],
  ['tcp://h:5432/x', undefined],
  ['tcp://h', undefined],
  ['grpc://[::1]:9090', { grpc: 'grpc://[::1]:9090', service: '' }],
  ['grpcs://h:9090/orders.v1.Orders', { grpc: 'grpcs://h:9090', service: 'orders.v1.Orders' }],
  ['ftp://h:1', undefined],
  ['http:/h', undefined],
  ['h:80', undefined],
])('the check %s is %j', (url, check) => {
  expect(checkOf(url)).toEqual(check)
})

test('an endpoint that answers before the command is started is named', async () => {
  const port = await listen(() => 200)
  const checks = readyChecks([`http://127.0.0.1:${port}`, 'http://127.0.0.1:1'], undefined)
  expect(await answersEarly(checks, never)).toEqual([`tcp 127.0.0.1:${port}`])
  expect(await answersEarly(checks, AbortSignal.abort())).toEqual([])
})

describe('ready', () => {
  test('is reached when the port answers; an endpoint without a known port is not checked', async () => {
    const port = await listen(() => 500)
    const checks = readyChecks([`http://127.0.0.1:${port}`, 'grpc://nowhere'], undefined)
    expect(checks.map(({ what }) => what)).toEqual([`tcp 127.0.0.1:${port}`])
    await waitUntilReady(checks, 5_000, never)
  })

  test('is reached when the check answers 2xx, and the check is not repeated', async () => {
    let asked = 0
    const port = await listen(() => (++asked < 3 ? 503 : 204))
    const checks = readyChecks(['http://nowhere:1'], `http://127.0.0.1:${port}/ok`)
    await waitUntilReady(checks, 5_000, never)
    expect(asked).toBe(3)
  })

  test('fails with the last answer when the time is over', async () => {
    const port = await listen(() => 302)
    const checks = readyChecks([], `http://127.0.0.1:${port}/ok`)
    await expect(waitUntilReady(checks, 300, never)).rejects.toThrow(/^http:\S+ answers 302$/)
    const refused = readyChecks(['http://127.0.0.1:1'], undefined)
    await expect(waitUntilReady(refused, 300, never)).rejects.toThrow(
      /^tcp 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1$/,
    )
  })

  test('ends at once with the reason of its signal', async () => {
    const checks = readyChecks(['http://127.0.0.1:1'], undefined)
    const reason = new Error('enough')
    await expect(waitUntilReady(checks, 5_000, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
