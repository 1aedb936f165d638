import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
} from '@bufbuild/protobuf'
import {
  Code,
  ConnectError,
  type ContextValues,
  type StreamResponse,
  type Transport,
  type UnaryResponse,
} from '@connectrpc/connect'
import { callFailure } from '../call-failures.ts'
import { type CallTarget, PublishedCall } from '../published-call.ts'
import { rpcChannel } from '../rpc-events.ts'
import { type Answer, type CallHeader, CallRunner, describeFailure } from './call-runner.ts'
import { ReplayableInput } from './replayable-input.ts'
import { ServiceConnections } from './service-connections.ts'
import { readTransportOptions, type ServiceTransportOptions } from './transport-options.ts'

/** A Connect transport that calls a service by its name. */
export interface ServiceTransport extends Transport, Disposable, AsyncDisposable {
  /** The number of instances with a connection. */
  readonly connections: number
  /**
   * Releases the watch. Each connection ends with its last call. Later calls fail with Canceled.
   * Idempotent.
   */
  close(): void
}

class BalancedTransport implements ServiceTransport {
  readonly #connections: ServiceConnections
  readonly #runner: CallRunner
  readonly #target: CallTarget

  constructor(options: ServiceTransportOptions) {
    const settings = readTransportOptions(options)
    const { discovery, service, balancer, schemes, connection } = settings
    this.#connections = new ServiceConnections(discovery, service, balancer, schemes, connection)
    this.#runner = new CallRunner(this.#connections, settings)
    this.#target = { service, authority: connection.authority }
  }

  get connections(): number {
    return this.#connections.size
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: CallHeader,
    input: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const { headers, published } = this.#publish(method, header)
    try {
      const { value, pick } = await this.#runner.run({
        method,
        signal,
        timeoutMs,
        header: headers,
        published,
        repeatable: () => true,
        run: (transport, leftMs) =>
          transport.unary(method, signal, leftMs, headers, input, contextValues),
      })
      pick.done()
      published?.ended(0, '')
      return value
    } catch (error) {
      publishFailure(published, error)
      throw error
    }
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: CallHeader,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const { headers, published } = this.#publish(method, header)
    try {
      const messages = await ReplayableInput.of(input, method.methodKind === 'server_streaming')
      const answer = await this.#runner.run({
        method,
        signal,
        timeoutMs,
        header: headers,
        published,
        repeatable: () => messages.repeatable,
        run: (transport, leftMs) =>
          transport.stream(method, signal, leftMs, headers, messages.messages(), contextValues),
      })
      const message = observed(answer.value.message, answer, signal, published)
      return { ...answer.value, message }
    } catch (error) {
      publishFailure(published, error)
      throw error
    }
  }

  close(): void {
    this.#connections.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Publishes the start of a call if anybody listens: then its headers may get more. */
  #publish(
    { parent, name }: DescMethod,
    header: CallHeader,
  ): { readonly headers: CallHeader; readonly published: PublishedCall | undefined } {
    if (!rpcChannel.hasSubscribers) return { headers: header, published: undefined }
    const headers = new Headers(header)
    const published = new PublishedCall(this.#target, `${parent.typeName}/${name}`, {
      get: (key) => headers.get(key) ?? undefined,
      set: (key, value) => headers.set(key, value),
    })
    return { headers, published }
  }
}

const publishFailure = (published: PublishedCall | undefined, error: unknown): void => {
  if (published === undefined) return
  const { code, rawMessage } = ConnectError.from(error)
  published.ended(code, rawMessage)
}

/**
 * The messages of a response. Reports how the stream ended, and to the balancer the time to its
 * start. Connect does not tell a transport that the caller has stopped reading, only that it aborts.
 */
async function* observed<T>(
  messages: AsyncIterable<T>,
  { pick, attempt, latencyMs }: Answer<unknown>,
  signal: AbortSignal | undefined,
  published: PublishedCall | undefined,
): AsyncGenerator<T, void, undefined> {
  const cancelled = (): void => {
    pick.done({ latencyMs })
    published?.ended(Code.Canceled, 'the caller has cancelled the call')
  }
  signal?.addEventListener('abort', cancelled, { once: true })
  try {
    yield* messages
    published?.ended(0, '')
  } catch (error) {
    const failure = describeFailure(error, attempt, pick)
    const reason = signal?.aborted === true ? undefined : callFailure(failure.code, failure.message)
    pick.done({ error: reason, latencyMs })
    publishFailure(published, failure)
    throw failure
  } finally {
    signal?.removeEventListener('abort', cancelled)
    cancelled()
  }
}

/**
 * Creates a Connect transport to all instances of a service. The balancer picks an instance for
 * each call. Each instance has an HTTP/2 session, which ends gracefully when the instance leaves.
 * @throws RegistryError `invalid-config`, naming the option; `invalid-argument` for the service's
 * name
 */
export const serviceTransport = (options: ServiceTransportOptions): ServiceTransport =>
  new BalancedTransport(options)
