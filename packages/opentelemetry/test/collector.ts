import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** An attribute of OTLP/JSON. */
interface Attribute {
  readonly key: string
  readonly value: { readonly [type: string]: unknown }
}

/** A point of a metric of OTLP/JSON. */
export interface OtlpPoint {
  readonly attributes?: readonly Attribute[]
  readonly asDouble?: number
  readonly asInt?: number | string
  readonly count?: number | string
  readonly sum?: number
  readonly bucketCounts?: readonly (number | string)[]
  readonly explicitBounds?: readonly number[]
}

interface Data {
  readonly dataPoints: readonly OtlpPoint[]
}

/** A metric of OTLP/JSON. */
export interface OtlpMetric {
  readonly name: string
  readonly unit?: string
  readonly sum?: Data & { readonly isMonotonic: boolean }
  readonly gauge?: Data
  readonly histogram?: Data
}

/** A span of OTLP/JSON. */
export interface OtlpSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
}

/** The attributes of a point or span, as text. */
export const textOf = (attributes: readonly Attribute[] = []): Readonly<Record<string, string>> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(Object.values(value)[0])] as const),
  )

/** An OpenTelemetry collector: keeps what exporters of OTLP/HTTP with JSON send. */
export class Collector implements AsyncDisposable {
  readonly #server: http.Server
  /** The metrics of the last export, and all spans. */
  metrics: readonly OtlpMetric[] = []
  readonly spans: OtlpSpan[] = []

  private constructor() {
    this.#server = http.createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        this.#receive(request.url ?? '', Buffer.concat(chunks).toString())
        response.setHeader('content-type', 'application/json')
        response.end('{}')
      })
    })
  }

  static async start(): Promise<Collector> {
    const collector = new Collector()
    collector.#server.listen(0, '127.0.0.1')
    await once(collector.#server, 'listening')
    return collector
  }

  /** The URL for an exporter of that signal. */
  url(signal: 'metrics' | 'traces'): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/v1/${signal}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #receive(path: string, body: string): void {
    const sent = JSON.parse(body) as {
      readonly resourceMetrics?: readonly {
        readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[]
      }[]
      readonly resourceSpans?: readonly {
        readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
      }[]
    }
    if (path === '/v1/metrics')
      this.metrics = (sent.resourceMetrics ?? []).flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap(({ metrics }) => metrics),
      )
    for (const { scopeSpans } of sent.resourceSpans ?? [])
      this.spans.push(...scopeSpans.flatMap(({ spans }) => spans))
  }
}
