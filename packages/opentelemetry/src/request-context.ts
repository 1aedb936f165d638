import { type Context, context, type Span, trace } from '@opentelemetry/api'
import type { RequestHeaders } from './channel-messages.ts'
import { presentPropagator } from './w3c-trace-context.ts'

const getter = {
  keys: () => [],
  get: (headers: RequestHeaders, name: string) => headers.get(name.toLowerCase()),
}
const setter = {
  set: (headers: RequestHeaders, name: string, value: string) =>
    headers.set(name.toLowerCase(), value),
}

/**
 * The parent of a request's span: the active span, else the one that the headers name, as for a
 * request that is passed on.
 */
export const parentOf = (headers: RequestHeaders | undefined): Context => {
  const active = context.active()
  if (headers === undefined || trace.getSpan(active) !== undefined) return active
  return presentPropagator().extract(active, headers, getter)
}

/** Puts the context of a request's span into its headers. */
export const passOn = (parent: Context, span: Span, headers: RequestHeaders | undefined): void => {
  if (headers !== undefined)
    presentPropagator().inject(trace.setSpan(parent, span), headers, setter)
}
