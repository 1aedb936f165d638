import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { Registry } from '@sd/core'
import { instrument } from '@sd/opentelemetry'

/** Figures for `/metrics`. */
export interface GatewayMetrics {
  /** The present figures in Prometheus's text format. */
  text(): Promise<string>
  /** Ends the counting. */
  stop(): Promise<void>
}

/** Describes this process in `target_info`; the environment has precedence. */
const resourceOf = () =>
  defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'sd-gateway' }))
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }))

/**
 * Counts what `@sd/opentelemetry` reports about a registry and the gateways of this process, for the
 * `metrics` of a `Gateway`. Makes spans as well if OpenTelemetry's global tracer provider is set. An
 * application that exports its metrics by its own SDK calls `instrument` itself instead. `target_info`
 * names the service `sd-gateway`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` names it.
 */
export const prometheusMetrics = (registry: Registry): GatewayMetrics => {
  const reader = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new MeterProvider({ resource: resourceOf(), readers: [reader] })
  const instrumentation = instrument(registry, { meterProvider })
  const serializer = new PrometheusSerializer()
  return {
    text: async () => serializer.serialize((await reader.collect()).resourceMetrics),
    stop: async () => {
      instrumentation.stop()
      await meterProvider.shutdown()
    },
  }
}
