import {
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { knownMethod } from './attributes.ts'
import { gatewayChannelName, type GatewayMessage } from './channel-messages.ts'
import { listen, type Stop } from './subscription.ts'
import { presentPropagator } from './w3c-trace-context.ts'

const indexOf = (headers: readonly string[], name: string): number =>
  headers.findIndex(
    (header, index) => index % 2 === 0 && header.toLowerCase() === name.toLowerCase(),
  )

const getter = {
  keys: () => [],
  get: (headers: readonly string[], name: string) => {
    const index = indexOf(headers, name)
    return index < 0 ? undefined : headers[index + 1]
  },
}
const setter = {
  set: (headers: string[], name: string, value: string) => {
    const index = indexOf(headers, name)
    if (index < 0) headers.push(name, value)
    else headers[index + 1] = value
  },
}

type Started = Extract<GatewayMessage, { event: 'started' }>

const begin = (
  tracer: Tracer,
  { route, service, method, path, protocol, headers }: Started,
): Span => {
  const propagator = presentPropagator()
  const active = context.active()
  // the active span, if there is one, is that of an instrumented server around the gateway
  const parent =
    trace.getSpan(active) === undefined ? propagator.extract(active, headers, getter) : active
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
  propagator.inject(trace.setSpan(parent, span), headers, setter)
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
    const { status, reason } = message
    span.setAttribute('http.response.status_code', status)
    if (reason !== undefined || status >= 500) {
      span.setAttribute('error.type', reason ?? String(status))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end()
  })
}
