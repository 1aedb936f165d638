import {
  type Attributes,
  createNoopMeter,
  type MeterProvider,
  metrics,
  ProxyTracerProvider,
  trace,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import type { Registry } from '@sd/core'
import { countCalls } from './call-metrics.ts'
import { traceCalls } from './call-spans.ts'
import { countGateway } from './gateway-metrics.ts'
import { traceGateway, traceGatewayRpc } from './gateway-spans.ts'
import { countRegistry } from './registry-counters.ts'
import { observeRegistry } from './registry-gauges.ts'
import { traceRegistry } from './registry-spans.ts'
import { measureRpc } from './rpc-metrics.ts'
import { traceRpc } from './rpc-spans.ts'
import { SharedByProvider, type Stop, stopAll } from './subscription.ts'

/** The options of `instrument`. All are optional. */
export interface InstrumentOptions {
  /** Receives the metrics. Default: the global provider at the time of the call. */
  readonly meterProvider?: MeterProvider | undefined
  /** Receives the spans. Default: the global provider at the time of the call. */
  readonly tracerProvider?: TracerProvider | undefined
  /**
   * `false`: no spans of HTTP requests and gRPC calls to services, and no trace context in their headers and
   * metadata. For use with `@opentelemetry/instrumentation-undici` and `-grpc`, which make spans and add
   * the context as well. Default `true`.
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
      const stops = [countCalls(meter), measureRpc(meter), countGateway(meter)]
      return () => stopAll(stops)
    }),
  ]
}

const traceRequests = (tracer: Tracer): Stop => {
  const stops = [traceCalls(tracer), traceRpc(tracer), traceGatewayRpc(tracer)]
  return () => stopAll(stops)
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
    // first: the client spans of a gateway's requests are below their server spans
    gatewaySpansOfProcess.begin(provider, () => traceGateway(tracer)),
    ...(requestSpans ? [requestSpansOfProcess.begin(provider, () => traceRequests(tracer))] : []),
  ]
}

/**
 * Reports a registry, and the calls of this process to services by name, to OpenTelemetry. Call it after
 * the SDK has started: without a provider it subscribes to nothing and costs nothing, also when one is
 * set later.
 *
 * The calls (picks, retries, ejections, HTTP requests, gRPC calls) are those of the whole process. They are
 * reported once for each provider, however many registries are instrumented with it. A request to a service
 * carries the context of its span in its headers or metadata: in the format of the global propagator, or as
 * W3C Trace Context if none is set.
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
