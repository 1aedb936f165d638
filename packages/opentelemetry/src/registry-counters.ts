import type { Attributes, Meter } from '@opentelemetry/api'
import {
  type CallEvent,
  type DiagnosticEvent,
  diagnosticChannels as channels,
  type Operator,
  type ViewChangeEvent,
  type WriteEvent,
} from '@sd/core'
import { errorType } from './attributes.ts'
import { listen, type Stop, stopAll } from './subscription.ts'

// as `http.client.request.duration` of the semantic conventions, with two for servers nearby
const boundaries = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
const changeTypes = ['added', 'updated', 'removed'] as const

const createInstruments = (meter: Meter) => {
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description })
  const duration = (name: string, description: string) =>
    meter.createHistogram(name, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries: boundaries },
    })
  return {
    outages: counter('sd.outages', '{outage}', 'Outages of the backend that began.'),
    sessionReconnects: counter(
      'sd.session.reconnects',
      '{reconnect}',
      'Sessions that were lost, and are opened again.',
    ),
    watchReconnects: counter(
      'sd.watch.reconnects',
      '{reconnect}',
      'Watches that failed, and are attached again.',
    ),
    changes: counter('sd.watch.changes', '{change}', 'Changes of what watches serve, by type.'),
    refusals: counter(
      'sd.registration.refusals',
      '{refusal}',
      'Writes of registrations that the backend, or another owner of the id, refused.',
    ),
    skipped: counter(
      'sd.record.skips',
      '{record}',
      'Unreadable records that were skipped, each time that they were read.',
    ),
    operation: duration('sd.operation.duration', 'Duration of calls of the registry.'),
    write: duration(
      'sd.write.duration',
      'From a change of a registration to the acknowledgement of the backend.',
    ),
  }
}

const refusedStates: ReadonlySet<string> = new Set([
  'registration-registering',
  'registration-recovering',
  'registration-retry',
  'registration-failed',
  'registration-superseded',
])

/** Counts what one registry publishes on the channels of `@sd/core`. */
export const countRegistry = (
  meter: Meter,
  registry: Pick<Operator, 'health'>,
  attributes: Attributes,
): Stop => {
  const instruments = createInstruments(meter)
  const ofService = (service: unknown): Attributes =>
    typeof service === 'string' ? { ...attributes, 'sd.service': service } : attributes
  let sessionLive = registry.health().session.state === 'live'
  const own = (name: string, onEvent: (event: never) => void): Stop =>
    listen(name, (event: DiagnosticEvent) => {
      if (event.registry === registry) onEvent(event as never)
    })
  const stops = [
    own(channels.outage, ({ event, cause }: DiagnosticEvent) => {
      if (event === 'outage-began')
        instruments.outages.add(1, { ...attributes, 'error.type': errorType(cause) })
    }),
    own(channels.session, ({ event, cause }: DiagnosticEvent) => {
      if (event === 'session-waiting' && sessionLive)
        instruments.sessionReconnects.add(1, { ...attributes, 'error.type': errorType(cause) })
      sessionLive = event === 'session-live' || (sessionLive && event !== 'session-waiting')
    }),
    own(channels.watch, ({ event, cause }: DiagnosticEvent) => {
      if (event === 'watch-stale' || event === 'watch-resync')
        instruments.watchReconnects.add(1, { ...attributes, 'error.type': errorType(cause) })
    }),
    own(channels.registration, ({ event, cause, service }: DiagnosticEvent) => {
      if (cause === undefined || cause.retryable || !refusedStates.has(event)) return
      instruments.refusals.add(1, { ...ofService(service), 'error.type': errorType(cause) })
    }),
    own(channels.record, ({ event }: DiagnosticEvent) => {
      if (event === 'record-skipped') instruments.skipped.add(1, attributes)
    }),
    own(channels.change, (event: ViewChangeEvent) => {
      const watch = { ...ofService(event.service), 'sd.watch.scope': event.scope }
      for (const type of changeTypes)
        if (event[type] > 0)
          instruments.changes.add(event[type], { ...watch, 'sd.change.type': type })
    }),
    own(channels.call, ({ operation, durationMs, error }: CallEvent) =>
      instruments.operation.record(durationMs / 1_000, {
        ...attributes,
        'sd.operation.name': operation,
        ...(error === undefined ? {} : { 'error.type': errorType(error) }),
      }),
    ),
    own(channels.write, ({ durationMs }: WriteEvent) =>
      instruments.write.record(durationMs / 1_000, attributes),
    ),
  ]
  return () => stopAll(stops)
}
