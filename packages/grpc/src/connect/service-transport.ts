import type {
  DescMessage,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
} from '@bufbuild/protobuf'
import type { ContextValues, StreamResponse, Transport, UnaryResponse } from '@connectrpc/connect'
import { callFailure } from '../call-failures.ts'
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

  constructor(options: ServiceTransportOptions) {
    const settings = readTransportOptions(options)
    const { discovery, service, balancer, schemes, connection } = settings
    this.#connections = new ServiceConnections(discovery, service, balancer, schemes, connection)
    this.#runner = new CallRunner(this.#connections, settings)
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
    const { value, pick } = await this.#runner.run({
      method,
      signal,
      timeoutMs,
      header,
      repeatable: () => true,
      run: (transport, leftMs) =>
        transport.unary(method, signal, leftMs, header, input, contextValues),
    })
    pick.done()
    return value
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: CallHeader,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const messages = await ReplayableInput.of(input, method.methodKind === 'server_streaming')
    const answer = await this.#runner.run({
      method,
      signal,
      timeoutMs,
      header,
      repeatable: () => messages.repeatable,
      run: (transport, leftMs) =>
        transport.stream(method, signal, leftMs, header, messages.messages(), contextValues),
    })
    return { ...answer.value, message: observed(answer.value.message, answer, signal) }
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
}

/**
 * The messages of a response. Reports to the balancer how the stream ended, and the time to its
 * start.
 */
async function* observed<T>(
  messages: AsyncIterable<T>,
  { pick, attempt, latencyMs }: Answer<unknown>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* messages
  } catch (error) {
    const failure = describeFailure(error, attempt, pick)
    const reason = signal?.aborted === true ? undefined : callFailure(failure.code, failure.message)
    pick.done({ error: reason, latencyMs })
    throw failure
  } finally {
    pick.done({ latencyMs })
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
