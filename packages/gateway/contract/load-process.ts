import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, credentials } from '@grpc/grpc-js'
import type { Pace } from '@sd/calling-tests'
import { Agent, request } from 'undici'
import { WebSocket } from 'ws'
import { echoMethod } from './echo-method.ts'
import type { LoadOptions, LoadReport } from './load.ts'

// The body of the process that `startLoad` starts: many callers of a gateway, and their results.
const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions & Pace
const address = `127.0.0.1:${options.port}`
const dispatcher = new Agent()
const client = new Client(address, credentials.createInsecure(), { 'grpc.enable_retries': 0 })
const end = new AbortController()
const done = { http: 0, messages: 0, told: 0, grpc: 0, failed: [] as string[] }

const callHttp = async (method: 'GET' | 'POST'): Promise<string | undefined> => {
  try {
    const { statusCode, body } = await request(`http://${address}/`, {
      dispatcher,
      method,
      body: method === 'POST' ? 'a body' : null,
    })
    const text = await body.text()
    return statusCode === 200 && text === `${method} ok` ? undefined : `${statusCode} ${text}`
  } catch (error) {
    return `${method}: ${(error as Error).message}`
  }
}

const callGrpc = (): Promise<string | undefined> =>
  new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = echoMethod
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.from('hello'),
      { deadline: Date.now() + 10_000 },
      (error, answer) =>
        resolve(error?.message ?? (answer?.toString() === 'hello' ? undefined : 'wrong answer')),
    )
  })

const repeat = async (call: () => Promise<string | undefined>, kind: 'http' | 'grpc') => {
  while (!end.signal.aborted) {
    const failure = await call()
    if (failure === undefined) done[kind] += 1
    else done.failed.push(`${kind}: ${failure}`)
    await delay(options.pauseMs)
  }
}

/** One WebSocket after another, each until it is told to go. */
const talk = async (): Promise<void> => {
  while (!end.signal.aborted) {
    const socket = new WebSocket(`ws://${address}`)
    let failure: string | undefined
    socket.on('error', (error) => (failure = error.message))
    socket.on('message', () => {
      done.messages += 1
      setTimeout(() => {
        if (end.signal.aborted) socket.close(1_000)
        else if (socket.readyState === WebSocket.OPEN) socket.send('hello')
      }, options.pauseMs)
    })
    socket.on('open', () => socket.send('hello'))
    const [code] = (await once(socket, 'close')) as [number]
    if (code === 1_001) done.told += 1
    else if (!end.signal.aborted || code !== 1_000)
      done.failed.push(`websocket: closed with ${code}, ${failure}`)
  }
}

// waits until the service can be called: the measurement begins then
const probe = options.grpc > 0 ? callGrpc : () => callHttp('GET')
while ((await probe()) !== undefined) await delay(20)
const work = Promise.all([
  ...Array.from({ length: options.http }, (_, index) =>
    repeat(() => callHttp(index % 2 === 0 ? 'GET' : 'POST'), 'http'),
  ),
  ...Array.from({ length: options.grpc }, () => repeat(callGrpc, 'grpc')),
  ...Array.from({ length: options.webSockets }, talk),
])

const close = async (): Promise<void> => {
  await work
  client.close()
  await dispatcher.close()
  process.send?.({ ...done } satisfies LoadReport)
  process.disconnect()
}

process.on('message', () => {
  end.abort()
  void close()
})
process.send?.('ready')
