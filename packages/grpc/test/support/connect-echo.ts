import { once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { create, createFileRegistry } from '@bufbuild/protobuf'
import type { GenService } from '@bufbuild/protobuf/codegenv2'
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  MethodOptions_IdempotencyLevel,
  type StringValueSchema,
} from '@bufbuild/protobuf/wkt'
import { type Code, ConnectError } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'

type Text = typeof StringValueSchema
interface Methods {
  readonly whoAmI: { methodKind: 'unary'; input: Text; output: Text }
  readonly charge: { methodKind: 'unary'; input: Text; output: Text }
  readonly count: { methodKind: 'server_streaming'; input: Text; output: Text }
  readonly chat: { methodKind: 'bidi_streaming'; input: Text; output: Text }
}

const text = '.google.protobuf.StringValue'
const method = (name: string, more: object = {}): object => ({
  name,
  inputType: text,
  outputType: text,
  ...more,
})
const file = create(FileDescriptorProtoSchema, {
  name: 'echo.proto',
  package: 'test',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto'],
  service: [
    {
      name: 'Echo',
      method: [
        method('WhoAmI', {
          options: { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS },
        }),
        method('Charge'),
        method('Count', { serverStreaming: true }),
        method('Chat', { clientStreaming: true, serverStreaming: true }),
      ],
    },
  ],
})
const descriptors = createFileRegistry(file, (name) =>
  name === 'google/protobuf/wrappers.proto' ? file_google_protobuf_wrappers : undefined,
)

/** `WhoAmI` is idempotent, `Charge` is not, `Count` streams, `Chat` answers each message. */
export const ConnectEcho = descriptors.getService('test.Echo') as unknown as GenService<
  Methods & Record<string, Methods[keyof Methods]>
>

/** A Connect server over HTTP/2 on 127.0.0.1. */
export class ConnectEchoServer implements AsyncDisposable {
  readonly id: string
  readonly #server: Http2Server
  readonly #sessions = new Set<ServerHttp2Session>()
  /** The `:authority` of each call. */
  readonly hosts: string[] = []
  port = 0
  calls = 0
  connections = 0
  /** The delay before each answer. */
  delayMs = 0
  /** Fails calls with this code. */
  fail: Code | undefined

  private constructor(id: string, tls: SecureServerOptions | undefined) {
    this.id = id
    const handle = connectNodeAdapter({
      routes: (router) => {
        router.service(ConnectEcho, {
          whoAmI: () => this.#answer(),
          charge: () => this.#answer(),
          count: (request: { readonly value: string }) => this.#count(Number(request.value)),
          chat: (requests: AsyncIterable<{ readonly value: string }>) => this.#chat(requests),
        })
      },
    })
    this.#server = tls === undefined ? createServer(handle) : createSecureServer(tls, handle)
    this.#server.on('stream', (_, headers) => this.hosts.push(headers[':authority'] ?? ''))
    this.#server.on('session', (session) => {
      this.connections += 1
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session))
    })
  }

  static async start(id: string, tls?: SecureServerOptions): Promise<ConnectEchoServer> {
    const server = new ConnectEchoServer(id, tls)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    server.port = (server.#server.address() as AddressInfo).port
    return server
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sessions.size
  }

  /** Stops listening, and ends each session with a GOAWAY once its streams have ended. */
  drain(): void {
    this.#server.close()
    for (const session of this.#sessions) session.close()
  }

  /** Breaks all connections, as when a process is killed. */
  crash(): void {
    this.#server.close()
    for (const session of this.#sessions) session.socket?.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.crash()
  }

  async #answer(): Promise<{ readonly value: string }> {
    this.calls += 1
    if (this.delayMs > 0) await delay(this.delayMs)
    if (this.fail !== undefined) throw new ConnectError('as asked for', this.fail)
    return { value: this.id }
  }

  async *#count(messages: number): AsyncGenerator<{ readonly value: string }> {
    this.calls += 1
    for (let left = messages; left > 0; left -= 1) {
      yield { value: this.id }
      await delay(5)
    }
  }

  async *#chat(
    requests: AsyncIterable<{ readonly value: string }>,
  ): AsyncGenerator<{ readonly value: string }> {
    this.calls += 1
    for await (const { value } of requests) yield { value: `${this.id} ${value}` }
  }
}
