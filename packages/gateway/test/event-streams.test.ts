import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { World } from './world.ts'

/** A stream of server-sent events: the instance's response, and the client's. */
interface EventStream {
  readonly gateway: Gateway
  readonly out: ServerResponse
  readonly events: IncomingMessage
  /** The next event that reaches the client. */
  readonly next: () => Promise<string>
}

const subscribe = async (world: World): Promise<EventStream> => {
  const opened = Promise.withResolvers<ServerResponse>()
  await world.backend((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    opened.resolve(response)
  })
  const gateway = await world.gateway()
  const request = http.get({ host: '127.0.0.1', port: world.port, path: '/events', agent: false })
  request.on('error', () => {})
  const [events] = (await once(request, 'response')) as [IncomingMessage]
  events.setEncoding('utf8').on('error', () => {})
  const next = async (): Promise<string> => ((await once(events, 'data')) as [string])[0]
  return { gateway, out: await opened.promise, events, next }
}

test('server-sent events reach the client one by one', async () => {
  await using world = await World.create()
  const { out, events, next } = await subscribe(world)
  expect(events.headers['content-type']).toBe('text/event-stream')
  // each is written after the client has the one before
  for (const id of [1, 2, 3]) {
    const event = next()
    out.write(`id: ${id}\ndata: changed\n\n`)
    expect(await event).toBe(`id: ${id}\ndata: changed\n\n`)
  }
})

test('a client that leaves a stream of events ends it at the instance', async () => {
  await using world = await World.create()
  const { out, events, next } = await subscribe(world)
  const event = next()
  out.write('data: one\n\n')
  await event
  const closed = once(out, 'close')
  events.destroy()
  await closed
  expect(out.writableFinished).toBe(false)
})

test('a stream of events is cut when the gateway has drained for long enough', async () => {
  await using world = await World.create()
  const { gateway, out, events, next } = await subscribe(world)
  const closed = [out, events].map(
    (side) => new Promise((resolve) => void side.once('close', resolve)),
  )
  const beganMs = performance.now()
  const stopped = gateway.stop({ drainMs: 300 })
  // what is under way goes on until then
  const event = next()
  out.write('data: still\n\n')
  expect(await event).toBe('data: still\n\n')
  await stopped
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(299)
  await Promise.all(closed)
  expect(events.complete).toBe(false)
})
