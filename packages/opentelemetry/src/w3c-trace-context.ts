import {
  type Context,
  createTraceState,
  isSpanContextValid,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
  TraceFlags,
} from '@opentelemetry/api'

// https://www.w3.org/TR/trace-context/#traceparent-header-field-values; a later version may add fields
const traceparentPattern =
  /^(?!ff)[0-9a-f]{2}-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?:-.*)?$/

/** W3C Trace Context, as the API has no propagator of its own. */
const w3cTraceContext: TextMapPropagator = {
  fields: () => ['traceparent', 'tracestate'],
  inject: (context: Context, carrier: unknown, setter: TextMapSetter) => {
    const span = trace.getSpanContext(context)
    if (span === undefined || !isSpanContextValid(span)) return
    const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0')
    setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-${flags}`)
    const state = span.traceState?.serialize() ?? ''
    if (state !== '') setter.set(carrier, 'tracestate', state)
  },
  extract: (context: Context, carrier: unknown, getter: TextMapGetter) => {
    const found = traceparentPattern.exec(String(getter.get(carrier, 'traceparent')))?.groups
    if (found === undefined) return context
    const state = getter.get(carrier, 'tracestate')
    const span = {
      traceId: found['traceId'] ?? '',
      spanId: found['spanId'] ?? '',
      traceFlags: Number.parseInt(found['flags'] ?? '0', 16) & TraceFlags.SAMPLED,
      isRemote: true,
      ...(typeof state === 'string' ? { traceState: createTraceState(state) } : {}),
    }
    return isSpanContextValid(span) ? trace.setSpanContext(context, span) : context
  },
}

/** The application's global propagator, or W3C Trace Context if it has set none. */
export const presentPropagator = (): Pick<TextMapPropagator, 'inject' | 'extract'> =>
  propagation.fields().length > 0 ? propagation : w3cTraceContext
