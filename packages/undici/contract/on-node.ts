import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { MemoryStore, memory } from '@sd/memory'
import { Registry } from '@sd/core'
import { WebSocketServer } from 'ws'

// Run by each supported Node, with its built-in fetch and WebSocket. No `using` here: Node 22 does
// not
// have that syntax.

const legacyKey = Symbol.for('undici.globalDispatcher.1')
const globals = globalThis as unknown as Record<symbol, { dispatch(...given: unknown[]): boolean }>
const passed: string[] = []
const check = async (what: string, body: () => Promise<void>): Promise<void> => {
  try {
    await body()
  } catch (error) {
    throw new Error(`${process.version}: ${what}`, { cause: error })
  }
  passed.push(what)
}

const http = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => response.end(`${request.method} ${request.headers.host} ${body}`))
})
new WebSocketServer({ server: http }).on('connection', (socket, request) =>
  socket.send(`hello ${request.headers.host}`),
)
http.listen(0, '127.0.0.1')
// reads something, then resets the connection
const resetting = net.createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.resetAndDestroy())
})
resetting.listen(0, '127.0.0.1')
await Promise.all([once(http, 'listening'), once(resetting, 'listening')])
const endpoint = (server: net.Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const registry = new Registry(memory({ store: new MemoryStore() }))
await registry.register({ service: 'orders', endpoints: [endpoint(http)] })
await registry.register({ service: 'shaky', id: 'a', endpoints: [endpoint(resetting)] })
await registry.register({ service: 'shaky', id: 'b', endpoints: [endpoint(http)] })

// the built-in fetch has created its dispatcher, and it is replaced, as undici 6 does
await (await fetch(endpoint(http))).text()
const builtIn = globals[legacyKey]
let seen = 0
const spy = {
  dispatch(...given: unknown[]): boolean {
    seen += 1
    return builtIn?.dispatch(...given) === true
  },
}
if (builtIn !== undefined) globals[legacyKey] = spy

const { ServiceDispatcher } = await import('../src/index.ts')
await check('the import leaves the global dispatcher of undici 6 in its place', async () => {
  if (builtIn !== undefined) assert.equal(globals[legacyKey], spy)
})

const dispatcher = new ServiceDispatcher({
  discovery: registry,
  balancer: { strategy: 'round-robin', random: { next: () => 0 } },
})
const call = async (url: string, init: RequestInit = {}): Promise<string> => {
  const response = await fetch(url, { ...init, dispatcher } as unknown as RequestInit)
  return response.text()
}
const isOurs = async (url: string, init: RequestInit, answer: string): Promise<void> =>
  assert.equal(await call(url, init), answer)

await check('fetch, dispatcher per call', () => isOurs('http://orders.sd/', {}, 'GET orders.sd '))
await check('POST of a string', () =>
  isOurs('http://orders.sd/', { method: 'POST', body: 'abc' }, 'POST orders.sd abc'),
)
await check('POST of a stream', () =>
  isOurs(
    'http://orders.sd/',
    {
      method: 'POST',
      body: new Blob(['abc']).stream(),
      duplex: 'half',
    },
    'POST orders.sd abc',
  ),
)
await check('built-in FormData', async () => {
  const body = new FormData()
  body.set('field', 'abc')
  assert.match(await call('http://orders.sd/', { method: 'POST', body }), /name="field"\s+abc/)
})
await check('PUT is sent again after a reset', async () => {
  // in order: the first goes to the one that resets
  await isOurs('http://shaky.sd/', { method: 'PUT', body: 'abc' }, 'PUT shaky.sd abc')
})
await check('POST is not', async () => {
  let failures = 0
  for (let i = 0; i < 2; i += 1)
    await call('http://shaky.sd/', { method: 'POST', body: 'abc' }).catch((error: unknown) => {
      failures += 1
      const { cause } = error as { readonly cause?: { readonly code?: string } }
      assert.equal(cause?.code, 'unavailable')
    })
  assert.equal(failures, 1)
})
await check('an abort rejects with its reason', async () => {
  const signal = AbortSignal.abort(new Error('enough'))
  await assert.rejects(call('http://orders.sd/', { signal }), { message: 'enough' })
})
await check('an unknown service fails with the reason as cause', async () => {
  const error = await call('http://nobody.sd/').then(assert.fail, (thrown: unknown) => thrown)
  assert.equal((error as { cause?: { code?: string } }).cause?.code, 'unavailable')
})
await check('another host goes to the dispatcher that was there before', async () => {
  const before = seen
  assert.match(await call(endpoint(http), { method: 'POST', body: 'abc' }), /^POST 127.*abc$/)
  if (builtIn !== undefined) assert.equal(seen, before + 1)
  const gone = net.createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const nobody = endpoint(gone)
  gone.close()
  await once(gone, 'close')
  await assert.rejects(call(nobody), TypeError)
})
const hear = (socket: WebSocket): Promise<unknown> =>
  new Promise((resolve, reject) => {
    socket.addEventListener('message', ({ data }) => {
      resolve(data)
      socket.close()
    })
    socket.addEventListener('error', reject)
  })
await check('WebSocket, dispatcher option', async () => {
  const socket = new WebSocket('ws://orders.sd/', { dispatcher } as never)
  assert.equal(await hear(socket), 'hello orders.sd')
})

const { setGlobalDispatcher } = await import('undici')
setGlobalDispatcher(dispatcher)
await check('fetch, global', async () =>
  assert.equal(await (await fetch('http://orders.sd/')).text(), 'GET orders.sd '),
)
await check('fetch of another host, global', async () =>
  assert.match(await (await fetch(endpoint(http))).text(), /^GET 127/),
)
await check('WebSocket, global', async () =>
  assert.equal(await hear(new WebSocket('ws://orders.sd/')), 'hello orders.sd'),
)

await dispatcher.close()
await registry.close()
http.closeAllConnections()
http.close()
resetting.close()
console.log(JSON.stringify(passed))
