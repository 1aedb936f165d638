import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { knownMethod, requestAttributes } from './attributes.ts'
import { type RequestHeaders, requestChannelName, type RequestMessage } from './channel-messages.ts'
import { failSpan } from './span-outcome.ts'
import { listen, type Stop } from './subscription.ts'
import { presentPropagator } from './w3c-trace-context.ts'

interface RunningSpan {
  readonly span: Span
  retries: number
}

const getter = {
  keys: () => [],
  get: (headers: RequestHeaders, name: string) => headers.get(name.toLowerCase()),
}
const setter = {
  set: (headers: RequestHeaders, name: string, value: string) =>
    headers.set(name.toLowerCase(), value),
}

const peerOf = (endpoint: string | undefined): Attributes => {
  if (endpoint === undefined || !URL.canParse(endpoint)) return {}
  const { hostname, port } = new URL(endpoint)
  return {
    'network.peer.address': hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { 'network.peer.port': Number(port) }),
  }
}

/** Begins the span of a request, and passes its context on in the request's headers. */
const begin = (tracer: Tracer, message: RequestMessage): Span => {
  const { service, method, path, origin, headers } = message
  const propagator = presentPropagator()
  const active = context.active()
  // a proxied request has its parent in its headers, unless something made a span for it
  const parent =
    headers === undefined || trace.getSpan(active) !== undefined
      ? active
      : propagator.extract(active, headers, getter)
  const known = knownMethod(method)
  const attributes = {
    ...requestAttributes(service, method, origin),
    ...(known === method ? {} : { 'http.request.method_original': method }),
    // without the query, which may be confidential
    ...(origin === undefined ? {} : { 'url.full': origin + path.split('?', 1)[0] }),
  }
  const span = tracer.startSpan(
    known === '_OTHER' ? 'HTTP' : known,
    { kind: SpanKind.CLIENT, attributes },
    parent,
  )
  if (headers !== undefined) propagator.inject(trace.setSpan(parent, span), headers, setter)
  return span
}

const follow = (running: RunningSpan, message: RequestMessage): void => {
  const { span } = running
  const { event, instance, endpoint, status, cause } = message
  const ofInstance = instance === undefined ? {} : { 'sd.instance.id': instance }
  if (event === 'retry' || event === 'hedge') {
    running.retries += 1
    span.setAttribute('http.request.resend_count', running.retries)
    span.addEvent(event, {
      ...ofInstance,
      ...(status === undefined ? {} : { 'http.response.status_code': status }),
      ...(cause instanceof Error ? { 'exception.message': cause.message } : {}),
    })
  } else if (event === 'response' || event === 'upgrade') {
    span.setAttributes({ ...ofInstance, ...peerOf(endpoint) })
    if (status === undefined) return
    span.setAttribute('http.response.status_code', status)
    if (status < 400) return
    span.setAttribute('error.type', String(status))
    span.setStatus({ code: SpanStatusCode.ERROR })
  } else if (event === 'error') {
    span.setAttributes(ofInstance)
    failSpan(span, cause)
  }
}

/** Makes a client span for each HTTP request to a service by name, with all its tries. */
export const traceCalls = (tracer: Tracer): Stop => {
  const spans = new WeakMap<object, RunningSpan>()
  return listen(requestChannelName, (message: RequestMessage) => {
    const { event, call } = message
    if (event === 'start') {
      spans.set(call, { span: begin(tracer, message), retries: 0 })
      return
    }
    const running = spans.get(call)
    if (running === undefined) return
    follow(running, message)
    if (event !== 'end' && event !== 'upgrade' && event !== 'error') return
    spans.delete(call)
    running.span.end()
  })
}
