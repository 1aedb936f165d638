import { once } from 'node:events'
import http2 from 'node:http2'
import { describe, expect, test } from 'vitest'
import { World } from './world.ts'

/** A request over HTTP/2. */
const call = async (
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<{
  headers: http2.IncomingHttpHeaders
  body: string
  trailers: http2.IncomingHttpHeaders
}> => {
  const stream = session.request(headers, { endStream: body === undefined })
  let trailers: http2.IncomingHttpHeaders = {}
  stream.on('trailers', (given: http2.IncomingHttpHeaders) => (trailers = given))
  if (body !== undefined) stream.end(body)
  const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  const chunks = await stream.setEncoding('utf8').toArray()
  return { headers: answer, body: chunks.join(''), trailers }
}

describe('clients of HTTP/2 without TLS', () => {
  test('use the port of HTTP/1.1', async () => {
    await using world = await World.create()
    const backend = await world.backend((request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      request.pipe(response)
    })
    await world.gateway()
    const session = http2.connect(`http://127.0.0.1:${world.port}`)
    const [first, second] = await Promise.all([
      call(session, { ':path': '/a?b', ':method': 'POST', 'x-a': '1' }, 'hello'),
      call(session, { ':path': '/c', ':authority': 'shop' }),
    ])
    expect(first).toMatchObject({
      headers: { ':status': 200, 'set-cookie': ['a=1', 'b=2'] },
      body: 'hello',
    })
    expect(first.headers).not.toHaveProperty('connection')
    expect(second.headers[':status']).toBe(200)
    const post = backend.seen.find(({ method }) => method === 'POST')
    expect(post).toMatchObject({
      url: '/a?b',
      body: 'hello',
      headers: { 'x-a': '1', via: '2 sd-gateway' },
    })
    expect(backend.seen.find(({ method }) => method === 'GET')?.headers.host).toBe('shop')
    expect((await world.request('/')).status).toBe(200)
    session.close()
  })

  test('get problem details, and a broken stream for a response that broke off', async () => {
    await using world = await World.create()
    await world.backend((_request, response) => {
      response.write('half')
      setImmediate(() => response.destroy())
    })
    const gateway = await world.gateway([{ service: 'orders', prefix: '/o' }])
    const session = http2.connect(`http://127.0.0.1:${world.port}`)
    const { headers, body } = await call(session, { ':path': '/../o' })
    expect(headers[':status']).toBe(400)
    expect(JSON.parse(body)).toMatchObject({ reason: 'bad-target' })
    await expect(call(session, { ':path': '/o' })).rejects.toThrow(
      /Stream closed|aborted|premature/i,
    )
    await expect.poll(() => gateway.requests).toBe(0)
    session.close()
  })

  test('end the instance’s request when they cancel', async () => {
    await using world = await World.create()
    const [begun, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    await world.backend((_request, response) => {
      response.on('close', () => gone.resolve())
      begun.resolve()
    })
    const gateway = await world.gateway()
    const session = http2.connect(`http://127.0.0.1:${world.port}`)
    const stream = session.request({ ':path': '/' }).on('error', () => {})
    await begun.promise
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await gone.promise
    await expect.poll(() => gateway.requests).toBe(0)
    session.close()
  })
})
