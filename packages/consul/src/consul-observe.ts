import { type Observation, type Progress, type Scope, withDeadline } from '@sd/core/driver'
import type { Catalog } from './catalog/catalog.ts'
import type { LiveServices } from './catalog/live-services.ts'
import { type Difference, RecordDiff } from './catalog/record-diff.ts'
import { answerMs, blockingQuery } from './client/blocking-query.ts'
import type { Semaphore } from './client/semaphore.ts'
import type { ServiceEntry } from './catalog/service-entry.ts'
import { observeEach } from './observe-each.ts'
import { backend } from './errors.ts'

/** State that the observations of one driver share. */
export interface Observer {
  readonly catalog: Catalog
  /** Limits open blocking queries. */
  readonly permits: Semaphore
}

const operation = 'observe'

/** An observation's request in addition to its blocking query, with the same deadline. */
const limited = <T>(
  { client }: Catalog,
  service: string | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal, progress: Progress) => Promise<T>,
): Promise<T> => withDeadline(client.clock, answerMs, signal, { backend, operation, service }, work)

const toObservation = (first: boolean, { records, skipped, removed }: Difference): Observation => {
  if (first) return { type: 'snapshot', records, skipped }
  if (records.length + skipped.length + removed.length === 0) return { type: 'alive' }
  return { type: 'changes', records, skipped, removed }
}

/** Yields the live entries of a service whenever they may have changed; `undefined` when they have not. */
async function* followService(
  { catalog, permits }: Observer,
  service: string,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<readonly ServiceEntry[] | undefined> {
  let before: number | undefined
  for await (const answer of blockingQuery(
    { client: catalog.client, permits },
    (role) => ({ ...catalog.serviceQuery(service, operation, role), progress }),
    signal,
  )) {
    if (answer === undefined) {
      yield undefined
      continue
    }
    const entries = catalog.entriesIn(answer, service, operation)
    // also checked when it becomes empty: a token may have lost its rights
    if (entries.length === 0 && before !== 0)
      await limited(catalog, service, signal, (bounded) =>
        catalog.assertReadable(answer, operation, service, bounded),
      )
    before = entries.length
    yield entries
  }
}

async function* observeService(
  observer: Observer,
  service: string,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<Observation, never> {
  const diff = new RecordDiff(observer.catalog)
  let first = true
  for await (const entries of followService(observer, service, signal, progress))
    if (entries === undefined) yield { type: 'alive' }
    else {
      yield toObservation(first, diff.next(entries))
      first = false
    }
  throw new Error('a blocking query ended')
}

/** Yields the names of all services whenever they may have changed; `undefined` when they have not. */
async function* followNames(
  { catalog, permits }: Observer,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<readonly string[] | undefined> {
  let before: number | undefined
  for await (const answer of blockingQuery(
    { client: catalog.client, permits },
    (role) => ({ ...catalog.namesQuery(operation, role), progress }),
    signal,
  )) {
    const names = answer && catalog.namesIn(answer, operation)
    if (answer !== undefined && names?.length === 0 && before !== 0)
      await limited(catalog, undefined, signal, (bounded) =>
        catalog.assertReadable(answer, operation, undefined, bounded),
      )
    before = names?.length ?? before
    yield names
  }
}

/** Yields the live services whenever they may have changed; `undefined` when they have not. */
async function* followLiveServices(
  { catalog, permits }: Observer,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<LiveServices | undefined> {
  let before: LiveServices | undefined
  for await (const answer of blockingQuery(
    { client: catalog.client, permits },
    (role) => ({ ...catalog.liveServicesQuery(operation, role), progress }),
    signal,
  )) {
    if (answer === undefined) {
      yield undefined
      continue
    }
    const live = catalog.liveServicesIn(answer, operation)
    if (live.size === 0 && before?.size !== 0)
      await limited(catalog, undefined, signal, (bounded) =>
        catalog.assertReadable(answer, operation, undefined, bounded),
      )
    before = live
    yield live
  }
}

async function* observeNames(
  observer: Observer,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<Observation, never> {
  let before: LiveServices | undefined
  for await (const live of followLiveServices(observer, signal, progress)) {
    const names = [...(live?.keys() ?? [])].filter((name) => !before?.has(name))
    const removedServices = live
      ? [...(before?.keys() ?? [])].filter((name) => !live.has(name))
      : []
    if (live !== undefined && before === undefined)
      yield { type: 'snapshot', records: [], skipped: [], services: names }
    else if (names.length + removedServices.length === 0) yield { type: 'alive' }
    else
      yield {
        type: 'changes',
        records: [],
        skipped: [],
        removed: [],
        services: names,
        removedServices,
      }
    before = live ?? before
  }
  throw new Error('a blocking query ended')
}

async function* observeAll(
  observer: Observer,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<Observation, never> {
  const { catalog } = observer
  const diffs = new Map<string, RecordDiff>()
  let before: LiveServices | undefined
  for await (const live of followLiveServices(observer, signal, progress)) {
    if (live === undefined) {
      yield { type: 'alive' }
      continue
    }
    const names = new Set([...live.keys(), ...(before?.keys() ?? [])])
    const changed = [...names].filter((name) => live.get(name) !== before?.get(name))
    const found = await limited(catalog, undefined, signal, (bounded, continues) =>
      catalog.readServices(changed, operation, bounded, () => {
        continues()
        progress?.()
      }),
    )
    const differences = changed.map((name) => {
      const diff = diffs.get(name) ?? new RecordDiff(catalog)
      const difference = diff.next(found.get(name) ?? [])
      if (diff.size > 0) diffs.set(name, diff)
      else diffs.delete(name)
      return difference
    })
    yield toObservation(before === undefined, {
      records: differences.flatMap(({ records }) => records),
      skipped: differences.flatMap(({ skipped }) => skipped),
      removed: differences.flatMap(({ removed }) => removed),
    })
    before = live
  }
  throw new Error('a blocking query ended')
}

/** Observes `scope`, beginning with a snapshot. Ends only when it throws or the reader returns. */
export const observe = (
  observer: Observer,
  scope: Scope,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncIterable<Observation> => {
  if ('service' in scope) return observeService(observer, scope.service, signal, progress)
  // no check tells the services of other programs
  if (observer.catalog.layout.checkName === undefined)
    return observeEach({
      scope,
      newDiff: () => new RecordDiff(observer.catalog),
      names: (inner) => followNames(observer, inner, progress),
      service: (name, inner) => followService(observer, name, inner, progress),
      signal,
    })
  return 'services' in scope
    ? observeNames(observer, signal, progress)
    : observeAll(observer, signal, progress)
}
