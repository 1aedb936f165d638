import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api'
import type { Operator, WatchHealth } from '@sd/core'
import type { Stop } from './subscription.ts'

const registryStates = ['ok', 'degraded', 'refused', 'unreachable', 'unknown', 'closed'] as const
const sessionStates = ['idle', 'opening', 'waiting', 'live', 'closed'] as const
const registrationStates = ['registering', 'registered', 'recovering', 'superseded'] as const
const freshnesses = ['fresh', 'stale', 'pending'] as const

type Freshness = (typeof freshnesses)[number]

const freshnessOf = ({ state, stale, entries }: WatchHealth): Freshness => {
  if (stale !== undefined) return 'stale'
  // a watch that starts over still serves what it knows
  return state === 'live' || entries > 0 ? 'fresh' : 'pending'
}

const secondsSince = (date: Date): number => Math.max(0, Date.now() - date.getTime()) / 1_000

const createGauges = (meter: Meter) => {
  const count = (name: string, unit: string, description: string) =>
    meter.createObservableUpDownCounter(name, { unit, description })
  const age = (name: string, description: string) =>
    meter.createObservableGauge(name, { unit: 's', description })
  return {
    registries: count('sd.registries', '{registry}', 'Registries by state.'),
    sessions: count(
      'sd.sessions',
      '{session}',
      'Sessions that keep registrations alive, by state.',
    ),
    heartbeatAge: age(
      'sd.session.heartbeat.age',
      'Time since the last acknowledged heartbeat of the session; 0 without one.',
    ),
    registrations: count('sd.registrations', '{registration}', 'Registrations by state.'),
    pendingRemovals: count(
      'sd.registration.pending_removals',
      '{registration}',
      'Deregistered instances whose removal the backend has not acknowledged.',
    ),
    watches: count('sd.watches', '{watch}', 'Watches by freshness.'),
    entries: count('sd.watch.entries', '{entry}', 'Instances, or services, that a watch serves.'),
    held: count(
      'sd.watch.held',
      '{entry}',
      'Entries that are gone from the backend and kept by loss protection.',
    ),
    readers: count('sd.watch.readers', '{reader}', 'Readers of a watch; 0 when it has ended.'),
    staleness: age(
      'sd.watch.stale.duration',
      'How long the view of a watch has been unconfirmed; 0 while it is fresh.',
    ),
  }
}

type Gauges = ReturnType<typeof createGauges>

const attributesOf = ({ scope, service }: WatchHealth): Attributes => ({
  'sd.watch.scope': scope,
  ...(service === undefined ? {} : { 'sd.service': service }),
})

/** Observes each watch. One that has ended is observed as 0: the SDK would repeat its last values. */
const createWatchObserver = (gauges: Gauges, attributes: Attributes) => {
  const known = new Map<string, Attributes>()
  return (result: BatchObservableResult, watches: readonly WatchHealth[]): void => {
    const counts: Record<Freshness, number> = { fresh: 0, stale: 0, pending: 0 }
    const ended = new Map(known)
    const observe = (of: Attributes, watch: Partial<WatchHealth>): void => {
      const { entries = 0, held = 0, readers = 0, stale } = watch
      result.observe(gauges.entries, entries, of)
      result.observe(gauges.held, held, of)
      result.observe(gauges.readers, readers, of)
      result.observe(gauges.staleness, stale === undefined ? 0 : secondsSince(stale.since), of)
    }
    for (const watch of watches) {
      counts[freshnessOf(watch)] += 1
      const key = `${watch.scope}/${watch.service ?? ''}`
      const of = known.get(key) ?? { ...attributes, ...attributesOf(watch) }
      known.set(key, of)
      ended.delete(key)
      observe(of, watch)
    }
    for (const of of ended.values()) observe(of, {})
    for (const freshness of freshnesses)
      result.observe(gauges.watches, counts[freshness], {
        ...attributes,
        'sd.watch.freshness': freshness,
      })
  }
}

/** Observes the present state of a registry at each collection, from `health()`: no I/O. */
export const observeRegistry = (
  meter: Meter,
  registry: Pick<Operator, 'health'>,
  attributes: Attributes,
): Stop => {
  const gauges = createGauges(meter)
  const instruments = Object.values(gauges)
  const observeWatches = createWatchObserver(gauges, attributes)
  const observe = (result: BatchObservableResult): void => {
    const { state, session, registrations, pendingRemovals, watches } = registry.health()
    // every state, also with 0: a series that ends keeps its last value for minutes
    for (const name of registryStates)
      result.observe(gauges.registries, Number(state === name), {
        ...attributes,
        'sd.registry.state': name,
      })
    for (const name of sessionStates)
      result.observe(gauges.sessions, Number(session.state === name), {
        ...attributes,
        'sd.session.state': name,
      })
    const kept = session.state !== 'idle' && session.state !== 'closed'
    if (session.renewedAt !== undefined)
      result.observe(gauges.heartbeatAge, kept ? secondsSince(session.renewedAt) : 0, attributes)
    for (const name of registrationStates)
      result.observe(
        gauges.registrations,
        registrations.filter(({ status }) => status.state === name).length,
        { ...attributes, 'sd.registration.state': name },
      )
    result.observe(gauges.pendingRemovals, pendingRemovals, attributes)
    observeWatches(result, watches)
  }
  meter.addBatchObservableCallback(observe, instruments)
  return () => meter.removeBatchObservableCallback(observe, instruments)
}
