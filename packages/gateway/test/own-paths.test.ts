import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { prometheusMetrics } from '../src/index.ts'
import { World } from './world.ts'

describe('/metrics', () => {
  test('has the figures of @sd/opentelemetry', async () => {
    await using world = await World.create()
    await world.backend()
    const metrics = prometheusMetrics(world.registry)
    onTestFinished(() => metrics.stop())
    await world.gateway([{ service: 'orders' }], { metrics })
    for (let i = 0; i < 3; i += 1) await world.request('/')
    await expect
      .poll(async () => (await world.request('/metrics')).body)
      .toMatch(/^sd_gateway_requests_total\{[^}]*sd_service="orders"[^}]*\} 3$/m)
    const { headers, body } = await world.request('/metrics')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toMatch(/^http_server_request_duration_count\{/m)
    expect(body).toMatch(/^sd_registrations\{/m)
  })

  describe('names the service in target_info', () => {
    afterEach(() => vi.unstubAllEnvs())

    test.each([
      ['sd-gateway by default', {}, 'sd-gateway'],
      ['as OTEL_RESOURCE_ATTRIBUTES says', { attributes: 'service.name=edge' }, 'edge'],
      ['as OTEL_SERVICE_NAME says', { attributes: 'service.name=edge', name: 'front' }, 'front'],
    ] as const)('%s', async (_what, given: { attributes?: string; name?: string }, service) => {
      vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', given.attributes)
      vi.stubEnv('OTEL_SERVICE_NAME', given.name)
      await using world = await World.create()
      const metrics = prometheusMetrics(world.registry)
      onTestFinished(() => metrics.stop())
      const [info] = /^target_info\{.*$/m.exec(await metrics.text()) ?? []
      expect(info).toContain(`service_name="${service}"`)
      expect(info).toContain('telemetry_sdk_language="nodejs"')
    })
  })

  test('and the probes are on a port of their own if asked for', async () => {
    await using world = await World.create()
    await world.backend((_request, response) => response.end('of orders'))
    const metrics = prometheusMetrics(world.registry)
    onTestFinished(() => metrics.stop())
    const gateway = await world.gateway([{ service: 'orders' }], { metrics, adminApart: true })
    expect((await world.request('/metrics')).body).toBe('of orders')
    const port = await gateway.listenAdmin({ host: '127.0.0.1' })
    expect((await world.request('/metrics', { port })).body).toContain('sd_registrations')
    expect((await world.request('/healthz', { port })).status).toBe(200)
    expect((await world.request('/', { port })).status).toBe(404)
  })
})

describe('the access log', () => {
  const logged = async (format: 'json' | 'combined', raw: string): Promise<string> => {
    let lines = ''
    await using world = await World.create()
    await world.backend((_request, response) => response.end('answer'))
    const write = (text: string): void => void (lines += text)
    await world.gateway([{ service: 'orders' }], { trustedHops: 1, accessLog: { format, write } })
    await world.raw(raw)
    await expect.poll(() => lines).toMatch(/\n$/)
    return lines
  }
  const request =
    'POST /a?b=c HTTP/1.1\r\nhost: shop\r\nconnection: close\r\nreferer: http://r/"x\\\r\n' +
    'user-agent: t\xe4st\r\nx-forwarded-for: 9.9.9.9, 1.2.3.4\r\ncontent-length: 4\r\n\r\nbody'

  test('in JSON', async () => {
    expect(JSON.parse(await logged('json', request))).toMatchObject({
      client: '1.2.3.4',
      method: 'POST',
      host: 'shop',
      target: '/a?b=c',
      protocol: '1.1',
      status: 200,
      requestBytes: 4,
      responseBytes: 6,
      route: '/',
      service: 'orders',
      referer: 'http://r/"x\\',
      userAgent: 't\xe4st',
      durationMs: expect.any(Number) as number,
    })
  })

  test('in JSON, with why the gateway answered itself', async () => {
    const line = await logged('json', 'GET /../x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(JSON.parse(line)).toMatchObject({ status: 400, reason: 'bad-target' })
  })

  test('tells the bytes of the own paths', async () => {
    const logOf = (method: string): Promise<string> =>
      logged('json', `${method} /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
    expect(JSON.parse(await logOf('GET'))).toMatchObject({ status: 200, responseBytes: 16 })
    expect(JSON.parse(await logOf('HEAD'))).toMatchObject({ status: 200, responseBytes: 0 })
  })

  test('in the Combined format, escaped', async () => {
    expect(await logged('combined', request)).toMatch(
      /^1\.2\.3\.4 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "POST \/a\?b=c HTTP\/1\.1" 200 6 "http:\/\/r\/\\"x\\\\" "t\\xe4st"\n$/,
    )
  })
})
