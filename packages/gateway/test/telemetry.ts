import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Registry } from '@sd/core'
import { instrument } from '@sd/opentelemetry'

/** A tracer of a test, whose spans it can read. */
export interface TestTracing extends AsyncDisposable {
  readonly provider: TracerProvider
  /** The spans that have ended. */
  readonly spans: () => readonly ReadableSpan[]
}

/** Instruments a registry and this process with a tracer, until it is disposed of. */
export const instrumented = (registry: Registry): TestTracing => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const instrumentation = instrument(registry, { tracerProvider: provider })
  return {
    provider,
    spans: () => exporter.getFinishedSpans(),
    [Symbol.asyncDispose]: async () => {
      instrumentation.stop()
      context.disable()
      await provider.shutdown()
    },
  }
}
