import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { constants } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createDriverContext, type Clock } from '@sd/core/driver'
import { StrangeHost } from '@sd/contract-tests/servers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EtcdClient } from '../../src/client/etcd-client.ts'
import { EtcdCredentials } from '../../src/client/etcd-credentials.ts'
import { MessageWriter } from '../../src/client/codec/message-writer.ts'
import { GrpcError } from '../../src/client/grpc/grpc-error.ts'
import * as methods from '../../src/client/methods.ts'
import { frame, Http2Host } from './grpc/http2-host.ts'

/** A `StatusResponse` with this version. */
const version = (text: string): Buffer => {
  const writer = new MessageWriter()
  writer.text(2, text)
  return frame(writer.finish())
}

/** Types of HTTP/2 frames (RFC 9113, section 6). */
const [headersType, goawayType] = [1, 7]

/** The types of the frames that a client has sent. */
const frameTypes = (bytes: Buffer): readonly number[] => {
  const types: number[] = []
  const prefaceBytes = 24
  for (let at = prefaceBytes; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    types.push(bytes[at + 3] as number)
  return types
}

const patient = { timeout: 10_000 }

const never = new AbortController().signal
let host: Http2Host
let clients: EtcdClient[]

const clientOf = (endpoint: string, clock: Clock = createDriverContext().clock): EtcdClient => {
  const client = new EtcdClient(endpoint, {
    credentials: new EtcdCredentials({ endpoints: [endpoint] }),
    secureContext: undefined,
    clock,
    inFlight: new Set(),
  })
  clients.push(client)
  return client
}

const status = (client: EtcdClient, signal = never): Promise<string> =>
  client.unary(methods.status, {}, signal).then((response) => response.version)

beforeEach(async () => {
  clients = []
  host = await Http2Host.start()
})
afterEach(async () => {
  for (const client of clients) client.close()
  await host[Symbol.asyncDispose]()
})

describe('a unary call', { timeout: 30_000 }, () => {
  it('resolves with the answer, and counts it', async () => {
    host.answer(version('3.7.3'))
    const client = clientOf(host.endpoint)
    expect(await status(client)).toBe('3.7.3')
    expect(client.answers).toBe(1)
  })

  it('receives a message above every default window', async () => {
    const long = 'x'.repeat(10_000_000)
    host.answer(version(long))
    expect((await status(clientOf(host.endpoint))).length).toBe(long.length)
  })

  it.each([
    [
      'refuses it without data',
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': '7',
        'grpc-message': 'etcdserver: %C3%A4%25',
      },
      'PERMISSION_DENIED: etcdserver: ä%',
    ],
    [
      'refuses it with a malformed text',
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': '14',
        'grpc-message': '%zz',
      },
      'UNAVAILABLE: %zz',
    ],
    [
      'answers with a status that does not exist',
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '99' },
      'UNKNOWN: ',
    ],
    [
      'has no such path',
      { ':status': 404 },
      'UNIMPLEMENTED: the host answered with the HTTP status 404',
    ],
    [
      'is a proxy without a server',
      { ':status': 503 },
      'UNAVAILABLE: the host answered with the HTTP status 503',
    ],
    [
      'answers with a page',
      { ':status': 200, 'content-type': 'text/html' },
      'UNKNOWN: the host answered with text/html, not gRPC',
    ],
  ])('rejects where the host %s', async (_, headers, message) => {
    host.onStream = (stream) => stream.respond(headers, { endStream: true })
    const error: unknown = await status(clientOf(host.endpoint)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(GrpcError)
    expect(error).toMatchObject({ message: `${host.endpoint}: ${message}` })
  })

  it.each([
    ['no message', Buffer.alloc(0), { 'grpc-status': '0' }, /INTERNAL: the server sent no message/],
    [
      'half a message',
      version('3.7.3').subarray(0, 8),
      { 'grpc-status': '0' },
      /INTERNAL: the answer ended within a message/,
    ],
    ['no status', version('3.7.3'), {}, /UNAVAILABLE: the call ended without a status/],
    [
      'a compressed message',
      Buffer.from([1, 0, 0, 0, 1, 0]),
      { 'grpc-status': '0' },
      /INTERNAL: .*compressed/,
    ],
    [
      'a malformed message',
      frame(Buffer.from([0x12, 9])),
      { 'grpc-status': '0' },
      /INTERNAL: a message ends after 2 bytes/,
    ],
    [
      'a message and an error',
      version('3.7.3'),
      { 'grpc-status': '8', 'grpc-message': 'too many' },
      /RESOURCE_EXHAUSTED: too many/,
    ],
  ])('rejects an answer with %s', async (_, data, trailers, message) => {
    host.answer(data, trailers)
    const client = clientOf(host.endpoint)
    await expect(status(client)).rejects.toThrow(message)
    expect(client.answers).toBe(0)
  })

  it('rejects when the host resets the stream or the connection', async () => {
    host.onStream = (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)
    await expect(status(clientOf(host.endpoint))).rejects.toThrow(/UNAVAILABLE: .*REFUSED_STREAM/)
    for (const end of ['destroy', 'resetAndDestroy'] as const) {
      host.onStream = () => [...host.sockets].map((socket) => socket[end]())
      await expect(status(clientOf(host.endpoint))).rejects.toThrow(
        end === 'destroy' ? /UNAVAILABLE: the server closed the/ : /UNAVAILABLE: .*ECONNRESET/,
      )
    }
  })

  it('rejects where nobody listens, on all addresses of a name', async () => {
    const { endpoint } = host
    await host[Symbol.asyncDispose]()
    await expect(status(clientOf(endpoint))).rejects.toThrow(/UNAVAILABLE: .*ECONNREFUSED/)
    const name = endpoint.replace('127.0.0.1', 'localhost')
    await expect(status(clientOf(name))).rejects.toThrow(/UNAVAILABLE: .*ECONNREFUSED/)
    host = await Http2Host.start()
  })

  it('is cancelled at the server when its caller gives up', async () => {
    const codes: number[] = []
    const began = new Promise<void>((resolve) => {
      host.onStream = (stream) => {
        stream.on('close', () => codes.push(stream.rstCode))
        resolve()
      }
    })
    const abort = new AbortController()
    const call = status(clientOf(host.endpoint), abort.signal)
    await began
    abort.abort(new Error('given up'))
    await expect(call).rejects.toThrow('given up')
    await expect.poll(() => codes, patient).toEqual([constants.NGHTTP2_CANCEL])
  })

  it('that is given up before the connection is made leaves no connection behind', async () => {
    const client = clientOf(host.endpoint)
    const abort = new AbortController()
    const call = status(client, abort.signal)
    abort.abort(new Error('given up'))
    await expect(call).rejects.toThrow('given up')
    client.close()
    await expect.poll(() => host.sockets.size, patient).toBe(0)
  })

  it('is not sent before the server has sent its first frame', async () => {
    // a server that is frozen accepts bytes, and executes them when it resumes
    const received: Buffer[] = []
    const frozen = createServer((socket) => {
      socket.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => {})
    })
    await new Promise<void>((resolve) => frozen.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = frozen.address() as AddressInfo
      const client = clientOf(`http://127.0.0.1:${port}`)
      const abort = new AbortController()
      const call = status(client, abort.signal)
      await expect.poll(() => received.length, patient).toBeGreaterThan(0)
      abort.abort(new Error('given up'))
      await expect(call).rejects.toThrow('given up')
      client.close()
      // the client's last frame tells that it leaves
      await expect.poll(() => frameTypes(Buffer.concat(received)), patient).toContain(goawayType)
      expect(frameTypes(Buffer.concat(received))).not.toContain(headersType)
    } finally {
      frozen.close()
    }
  })

  it('that is given up in the moment of the connection throws nothing besides', async () => {
    const client = clientOf(host.endpoint)
    const abort = new AbortController()
    // http2 tells the connection in a later tick than the socket
    const giveUp = (message: unknown): void => {
      const { socket } = message as { readonly socket: Socket }
      socket.once('connect', () =>
        process.nextTick(() => {
          abort.abort(new Error('given up'))
          client.close()
        }),
      )
    }
    subscribe('net.client.socket', giveUp)
    try {
      await expect(status(client, abort.signal)).rejects.toThrow('given up')
      await expect.poll(() => host.sockets.size, patient).toBe(0)
    } finally {
      unsubscribe('net.client.socket', giveUp)
    }
  })
})

describe('a connection', { timeout: 30_000 }, () => {
  it('is dialled again after the server asked to leave, or closed it', async () => {
    host.answer(version('3.7.3'))
    const client = clientOf(host.endpoint)
    await status(client)
    host.sessions[0]?.goaway()
    // a call that begins before the request to leave arrives may fail
    const another = async (): Promise<number> => {
      await status(client).catch(() => {})
      return host.sessions.length
    }
    await expect.poll(another, patient).toBe(2)
    for (const socket of host.sockets) socket.destroy()
    await expect.poll(another, patient).toBe(3)
  })

  it('is given up when the server no longer answers pings', async () => {
    const timers: { readonly ms: number; readonly run: () => void }[] = []
    const clock: Clock = {
      ...createDriverContext().clock,
      setTimer: (ms, run) => {
        timers.push({ ms, run })
        return { cancel: () => {} }
      },
    }
    await using silent = await StrangeHost.that('silent')
    const client = clientOf(`http://${silent.endpoint}`, clock)
    const failure = status(client).catch(String)
    await expect.poll(() => client.seen, patient).toMatch(/accepted a connection/)
    timers.find(({ ms }) => ms === 10_000)?.run()
    timers.find(({ ms }) => ms === 3000)?.run()
    expect(await failure).toMatch(/UNAVAILABLE: the server did not answer a ping/)
  })

  it('closes after its last call', async () => {
    let answer = (): void => {}
    const began = new Promise<void>((resolve) => {
      host.onStream = (stream) => {
        answer = () => {
          stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
          stream.end(version('3.7.3'))
        }
        resolve()
      }
    })
    const client = clientOf(host.endpoint)
    const call = status(client)
    await began
    client.close()
    await expect(status(client)).rejects.toThrow('the client was closed')
    answer()
    expect(await call).toBe('3.7.3')
    await expect.poll(() => host.sockets.size, patient).toBe(0)
  })
})

describe('a stream', { timeout: 30_000 }, () => {
  it('sends and receives messages until one side ends it', async () => {
    const received: Buffer[] = []
    host.onStream = (stream) => {
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () =>
        stream.sendTrailers({ 'grpc-status': '14', 'grpc-message': 'etcdserver: no leader' }),
      )
      stream.on('data', (data: Buffer) => {
        received.push(data)
        // LeaseKeepAliveResponse with a ttl of 5
        stream.write(frame(Buffer.from([0x18, 5])))
        if (received.length === 2) stream.end()
      })
    }
    const client = clientOf(host.endpoint)
    const ttls: string[] = []
    const error = await new Promise<Error>((ended) => {
      void client.open(methods.leaseKeepAlive, ({ stream }) => {
        stream.send({ ID: '7' })
        return {
          message: ({ TTL }) => {
            ttls.push(TTL)
            if (ttls.length === 1) stream.send({ ID: '7' })
          },
          ended,
        }
      })
    })
    expect(ttls).toEqual(['5', '5'])
    expect(client.answers).toBe(2)
    expect(error.message).toBe(`${host.endpoint}: UNAVAILABLE: etcdserver: no leader`)
  })
})
