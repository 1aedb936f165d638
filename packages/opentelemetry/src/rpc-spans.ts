import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { peerAttributes } from './attributes.ts'
import { type RequestHeaders, rpcChannelName, type RpcMessage } from './channel-messages.ts'
import { parentOf, passOn } from './request-context.ts'
import { rpcAttributes, rpcOutcomeAttributes } from './rpc-attributes.ts'
import { listen, type Stop } from './subscription.ts'

/** The client span of one gRPC call, with all its attempts. */
export class RpcSpan {
  readonly #span: Span
  #instance: string | undefined

  /** Begins the span, and passes its context on in the call's metadata. */
  constructor(
    tracer: Tracer,
    service: string | undefined,
    method: string,
    authority: string | undefined,
    metadata: RequestHeaders | undefined,
  ) {
    const parent = parentOf(metadata)
    const attributes = rpcAttributes(service, method, authority)
    this.#span = tracer.startSpan(method, { kind: SpanKind.CLIENT, attributes }, parent)
    passOn(parent, this.#span, metadata)
  }

  /** An instance was picked; each further one is a retry. */
  picked(instance: string, endpoint: string | undefined): void {
    if (this.#instance !== undefined)
      this.#span.addEvent('retry', { 'sd.instance.id': this.#instance })
    this.#instance = instance
    this.#span.setAttributes({ 'sd.instance.id': instance, ...peerAttributes(endpoint) })
  }

  /** `details`: the message of the status. */
  end(code: number | undefined, details: string | undefined): void {
    this.#span.setAttributes(rpcOutcomeAttributes(code))
    if (code !== 0)
      this.#span.setStatus({
        code: SpanStatusCode.ERROR,
        ...(details === undefined ? {} : { message: details }),
      })
    this.#span.end()
  }
}

/** Makes a client span for each gRPC call to a service by name, with all its attempts. */
export const traceRpc = (tracer: Tracer): Stop => {
  const spans = new WeakMap<object, RpcSpan>()
  return listen(rpcChannelName, (message: RpcMessage) => {
    const { event, service, method, call, authority, metadata, instance, endpoint } = message
    if (event === 'start')
      spans.set(call, new RpcSpan(tracer, service, method, authority, metadata))
    else if (event === 'pick' && instance !== undefined) spans.get(call)?.picked(instance, endpoint)
    else if (event === 'end') {
      spans.get(call)?.end(message.code, message.details)
      spans.delete(call)
    }
  })
}
