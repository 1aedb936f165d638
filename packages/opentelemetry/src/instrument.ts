import { type Attributes, createNoopMeter, type MeterProvider, metrics } from '@opentelemetry/api'
import type { Registry } from '@sd/core'
import { countCalls } from './call-metrics.ts'
import { countGateway } from './gateway-metrics.ts'
import { countRegistry } from './registry-counters.ts'
import { observeRegistry } from './registry-gauges.ts'
import { SharedByProvider, type Stop, stopAll } from './subscription.ts'

/** The options of `instrument`. All are optional. */
export interface InstrumentOptions {
  /** Receives the metrics. Default: the global provider at the time of the call. */
  readonly meterProvider?: MeterProvider | undefined
  /**
   * Added to the figures of this registry, beside `sd.backend`. Two registries of one backend in one
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

/** What concerns the whole process, by meter provider. */
const ofProcess = new SharedByProvider()

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
    ofProcess.begin(provider, () => {
      const stops = [countCalls(meter), countGateway(meter)]
      return () => stopAll(stops)
    }),
  ]
}

/**
 * Reports a registry, and the calls of this process to services by name, to OpenTelemetry. Call it after
 * the SDK has started: without a provider it subscribes to nothing and costs nothing, also when one is
 * set later.
 *
 * The calls (picks, retries, ejections, HTTP requests) are those of the whole process. They are reported
 * once for each provider, however many registries are instrumented with it.
 */
export const instrument = (
  registry: Registry,
  options: InstrumentOptions = {},
): Instrumentation => {
  const { meterProvider = metrics.getMeterProvider() } = options
  const attributes = { 'sd.backend': registry.backend, ...options.attributes }
  let stops = beginMetrics(meterProvider, registry, attributes)
  const stop = (): void => {
    stopAll(stops)
    stops = []
  }
  return { stop, [Symbol.dispose]: stop }
}
