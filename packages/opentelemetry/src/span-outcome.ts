import { type Span, SpanStatusCode } from '@opentelemetry/api'
import { errorType } from './attributes.ts'

/** Marks a span as failed. */
export const failSpan = (span: Span, error: unknown): void => {
  const message = error instanceof Error ? error.message : String(error)
  span.setAttribute('error.type', errorType(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message })
}
