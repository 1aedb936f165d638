import { type Attributes, SpanKind, type Tracer } from '@opentelemetry/api'
import { type CallEvent, diagnosticChannels } from '@sd/core'
import { failSpan } from './span-outcome.ts'
import { listen, type Stop } from './subscription.ts'

/**
 * Makes a span for each call of the registry, when it has ended: it is published in the caller's context,
 * whose active span is the parent.
 */
export const traceRegistry = (tracer: Tracer, registry: object, attributes: Attributes): Stop =>
  listen(diagnosticChannels.call, (event: CallEvent) => {
    if (event.registry !== registry) return
    const { operation, service, durationMs, error } = event
    const endedMs = Date.now()
    const span = tracer.startSpan(service === undefined ? operation : `${operation} ${service}`, {
      kind: SpanKind.CLIENT,
      startTime: endedMs - durationMs,
      attributes: {
        ...attributes,
        'sd.operation.name': operation,
        ...(service === undefined ? {} : { 'sd.service': service }),
      },
    })
    if (error !== undefined) failSpan(span, error)
    span.end(endedMs)
  })
