import type { Attributes } from '@opentelemetry/api'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'

/** A meter provider whose figures a test can read. */
export class Figures implements AsyncDisposable {
  readonly #exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  readonly provider: MeterProvider = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: this.#exporter,
        exportIntervalMillis: 3_600_000,
      }),
    ],
  })

  /** Collects everything now. */
  async collect(): Promise<readonly MetricData[]> {
    this.#exporter.reset()
    await this.provider.forceFlush()
    return this.#exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  }

  /** The sum of the points that have `attributes`; of a histogram the number of its values. */
  async value(name: string, attributes: Attributes = {}): Promise<number | undefined> {
    const metric = (await this.collect()).find(({ descriptor }) => descriptor.name === name)
    if (metric === undefined) return undefined
    const points =
      metric.dataPointType === DataPointType.HISTOGRAM
        ? metric.dataPoints.map((point) => ({ ...point, value: point.value.count }))
        : (metric.dataPoints as readonly { attributes: Attributes; value: number }[])
    const wanted = Object.entries(attributes)
    const matching = points.filter((point) =>
      wanted.every(([key, value]) => point.attributes[key] === value),
    )
    if (matching.length === 0) return undefined
    return matching.reduce((sum, { value }) => sum + value, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.shutdown()
  }
}
