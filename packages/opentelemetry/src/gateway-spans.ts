import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { knownMethod } from './attributes.ts'
import { gatewayChannelName, type GatewayMessage, type RequestHeaders } from './channel-messages.ts'
import { parentOf, passOn } from './request-context.ts'
import { rpcOutcomeAttributes } from './rpc-attributes.ts'
import { RpcSpan } from './rpc-spans.ts'
import { listen, type Stop } from './subscription.ts'

type Started = Extract<GatewayMessage, { event: 'started' }>

/** Reads and changes a flat list of names and values. */
const headersOf = (list: string[]): RequestHeaders => {
  const indexOf = (name: string): number =>
    list.findIndex((header, index) => index % 2 === 0 && header.toLowerCase() === name)
  return {
    get: (name) => {
      const index = indexOf(name)
      return index < 0 ? undefined : list[index + 1]
    },
    set: (name, value) => {
      const index = indexOf(name)
      if (index < 0) list.push(name, value)
      else list[index + 1] = value
    },
  }
}

const begin = (tracer: Tracer, message: Started): Span => {
  const { route, service, method, path, protocol } = message
  const headers = headersOf(message.headers)
  // the active span, if there is one, is that of an instrumented server around the gateway
  const parent = parentOf(headers)
  const known = knownMethod(method)
  const name = known === '_OTHER' ? 'HTTP' : known
  const span = tracer.startSpan(
    route === undefined ? name : `${name} ${route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': known,
        'url.path': path,
        'network.protocol.version': protocol,
        ...(route === undefined ? {} : { 'http.route': route }),
        ...(service === undefined ? {} : { 'sd.service': service }),
      },
    },
    parent,
  )
  passOn(parent, span, headers)
  return span
}

/** Makes a server span for each request that a gateway of this process forwards. */
export const traceGateway = (tracer: Tracer): Stop => {
  const spans = new WeakMap<object, Span>()
  return listen(gatewayChannelName, (message: GatewayMessage) => {
    if (message.event === 'started') spans.set(message.exchange, begin(tracer, message))
    if (message.event !== 'finished') return
    const span = spans.get(message.exchange)
    if (span === undefined) return
    spans.delete(message.exchange)
    const { status, reason, grpcStatus } = message
    span.setAttribute('http.response.status_code', status)
    if (grpcStatus !== undefined)
      span.setAttribute(
        'rpc.response.status_code',
        String(rpcOutcomeAttributes(grpcStatus)['rpc.response.status_code']),
      )
    if (reason !== undefined || status >= 500) {
      span.setAttribute('error.type', reason ?? String(status))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end()
  })
}

/** `orders.v1.Orders/Get`, also behind a prefix of the route. */
const methodOf = (path: string): string => path.split('/').slice(-2).join('/')

/**
 * Makes a client span for each gRPC call that a gateway of this process forwards, below the server
 * span of the request. The client spans of other requests are those of `@sd/undici`.
 */
export const traceGatewayRpc = (tracer: Tracer): Stop => {
  const spans = new WeakMap<object, RpcSpan>()
  return listen(gatewayChannelName, (message: GatewayMessage) => {
    if (message.kind !== 'grpc') return
    const { event, exchange, service, path } = message
    if (event === 'started')
      spans.set(
        exchange,
        new RpcSpan(tracer, service, methodOf(path), undefined, headersOf(message.headers)),
      )
    else if (event === 'picked') spans.get(exchange)?.picked(message.instance, message.endpoint)
    else if (event === 'finished') {
      spans.get(exchange)?.end(message.grpcStatus, message.reason)
      spans.delete(exchange)
    }
  })
}
