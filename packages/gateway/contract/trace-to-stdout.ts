import { writeSync } from 'node:fs'
import { trace } from '@opentelemetry/api'
import { type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

// Loaded before a program (`node --import`), as an application loads its OpenTelemetry SDK: sets the global
// provider, and writes each span to stdout as a line of JSON.

/** A span on stdout. */
export interface WrittenSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
}

const write = (span: ReadableSpan): void => {
  const { traceId, spanId } = span.spanContext()
  const parentId = span.parentSpanContext?.spanId
  const written: WrittenSpan = { name: span.name, kind: span.kind, traceId, spanId, parentId }
  writeSync(1, `${JSON.stringify(written)}\n`)
}

trace.setGlobalTracerProvider(
  new TracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor({
        exporter: {
          export: (spans, done) => {
            for (const span of spans) write(span)
            done({ code: 0 })
          },
          shutdown: () => Promise.resolve(),
        },
      }),
    ],
  }),
)
