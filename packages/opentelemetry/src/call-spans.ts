import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { knownMethod, peerAttributes, requestAttributes } from './attributes.ts'
import { requestChannelName, type RequestMessage } from './channel-messages.ts'
import { parentOf, passOn } from './request-context.ts'
import { failSpan } from './span-outcome.ts'
import { listen, type Stop } from './subscription.ts'

interface RunningSpan {
  readonly span: Span
  retries: number
}

/** Begins the span of a request, and passes its context on in the request's headers. */
const begin = (tracer: Tracer, message: RequestMessage): Span => {
  const { service, method, path, origin, headers } = message
  const parent = parentOf(headers)
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
  passOn(parent, span, headers)
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
    span.setAttributes({ ...ofInstance, ...peerAttributes(endpoint) })
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
