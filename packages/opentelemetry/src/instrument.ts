import {
  type Attributes,
  createNoopMeter,
  type MeterProvider,
  metrics,
  ProxyTracerProvider,
  trace,
  type TracerProvider,
} from '@opentelemetry/api'
import type { Registry } from '@sd/core'
import { countCalls } from './call-metrics.ts'
import { traceCalls } from './call-spans.ts'
import { countGateway } from './gateway-metrics.ts'
import { traceGateway } from './gateway-spans.ts'
import { countRegistry } from './registry-counters.ts'
import { observeRegistry } from './registry-gauges.ts'
import { traceRegistry } from './registry-spans.ts'
import { SharedByProvider, type Stop, stopAll } from './subscription.ts'

/** The options of `instrument`. All are optional. */
export interface InstrumentOptions {
  /** Receives the metrics. Default: the global provider at the time of the call. */
  readonly meterProvider?: MeterProvider | undefined
  /** Receives the spans. Default: the global provider at the time of the call. */
  readonly tracerProvider?: TracerProvider | undefined
  /**
   * `false`: no spans of HTTP requests to services, and no trace context in their headers. For use with
   * `@opentelemetry/instrumentation-undici`, which makes a span for each try and adds the headers as well.
   * Default `true`.
   */
  readonly requestSpans?: boolean | undefined
  /**
   * Added to the figures and spans of this registry, beside `sd.backend`. Two registries of one backend in one
   * process need it, to be told apart.
   */
  readonly attributes?: Attributes | undefined
}

/** What `instrument` has begun. */
export interface Instrumentation extends Disposable {
  /** Ends every subscription. Idempotent. */
  stop(): void
}

/** The name of the instrumentation scope. */
const scope = '@sd/opentelemetry'

// what concerns the whole process
const [metricsOfProcess, requestSpansOfProcess, gatewaySpansOfProcess] = [
  new SharedByProvider(),
  new SharedByProvider(),
  new SharedByProvider(),
]

const beginMetrics = (
  provider: MeterProvider,
  registry: Registry,
  attributes: Attributes,
): readonly Stop[] => {
  const meter = provider.getMeter(scope)
  if (meter === createNoopMeter()) return []
  return [
    observeRegistry(meter, registry, attributes),
    countRegistry(meter, registry, attributes),
    metricsOfProcess.begin(provider, () => {
      const stops = [countCalls(meter), countGateway(meter)]
      return () => stopAll(stops)
    }),
  ]
}

const beginSpans = (
  provider: TracerProvider,
  registry: Registry,
  attributes: Attributes,
  requestSpans: boolean,
): readonly Stop[] => {
  // the global provider is a proxy, which has a tracer only after the SDK has started
  if (provider instanceof ProxyTracerProvider && provider.getDelegateTracer(scope) === undefined)
    return []
  const tracer = provider.getTracer(scope)
  return [
    traceRegistry(tracer, registry, attributes),
    gatewaySpansOfProcess.begin(provider, () => traceGateway(tracer)),
    ...(requestSpans ? [requestSpansOfProcess.begin(provider, () => traceCalls(tracer))] : []),
  ]
}

/**
 * Reports a registry, and the calls of this process to services by name, to OpenTelemetry. Call it after
 * the SDK has started: without a provider it subscribes to nothing and costs nothing, also when one is
 * set later.
 *
 * The calls (picks, retries, ejections, HTTP requests) are those of the whole process. They are reported
 * once for each provider, however many registries are instrumented with it. A request to a service
 * carries the context of its span in its headers: in the format of the global propagator, or as W3C Trace
 * Context if none is set.
 */
export const instrument = (
  registry: Registry,
  options: InstrumentOptions = {},
): Instrumentation => {
  const {
    meterProvider = metrics.getMeterProvider(),
    tracerProvider = trace.getTracerProvider(),
    requestSpans = true,
  } = options
  const attributes = { 'sd.backend': registry.backend, ...options.attributes }
  let stops = [
    ...beginMetrics(meterProvider, registry, attributes),
    ...beginSpans(tracerProvider, registry, attributes, requestSpans),
  ]
  const stop = (): void => {
    stopAll(stops)
    stops = []
  }
  return { stop, [Symbol.dispose]: stop }
}
