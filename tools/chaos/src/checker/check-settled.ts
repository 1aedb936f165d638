import {
  type EventOf,
  keyOf,
  type ReportedWatcher,
  type SeenInstance,
  type TimelineEvent,
} from '../timeline/timeline-event.ts'
import { ghostGuarantee, whyGone } from './check-lists.ts'
import type { Handle, Model } from './model.ts'
import { showMs } from './show-time.ts'
import type { Violation } from './violation.ts'

type Snapshot = EventOf<'snapshot'>
type Difference = Omit<Violation, 'atMs'>

const show = ({ handle, weight }: SeenInstance): string => `handle ${handle} weight ${weight}`

/** The weight that stands at last: of concurrent updates the last one called wins (R9). */
const lastWeight = ({ weights }: Handle): number =>
  weights.findLast(({ ending }) => ending === undefined || ending === 'resolved')?.weight ?? -1

/** What every list and view shows once all is quiet: what its owner wants, and nothing else. */
const wantedInstances = (model: Model): ReadonlyMap<string, Handle> =>
  new Map(
    [...model.handles.values()]
      .filter((handle) => model.unwantedMs(handle) === Infinity)
      .map((handle) => [keyOf(handle), handle]),
  )

const ghost = (model: Model, instance: SeenInstance, where: string): Difference => {
  const key = keyOf(instance)
  const handle = model.handles.get(instance.handle)
  if (handle === undefined)
    return {
      kind: 'ghost',
      guarantee: 'R6',
      key,
      message: `${where} shows ${key}, which nobody registered`,
    }
  const why = model.unwantedMs(handle) < Infinity ? `: ${reasonOf(model, handle)}` : ''
  return {
    kind: 'ghost',
    guarantee: ghostGuarantee(handle),
    key,
    process: handle.process,
    message: `${where} shows ${key} as ${show(instance)}, which is not wanted${why}`,
  }
}

const reasonOf = (model: Model, handle: Handle): string => {
  if (Number.isFinite(model.goneMs(handle))) return whyGone(model, handle)
  return handle.replacedMs < Infinity
    ? 'its process registered it anew'
    : 'its removal was asked for'
}

/** Compares what is shown with what is wanted. */
const compareInstances = (
  model: Model,
  shown: readonly SeenInstance[],
  wanted: readonly Handle[],
  where: string,
): readonly Difference[] => {
  const seen = new Map(shown.map((instance) => [keyOf(instance), instance]))
  const numbers = new Set(wanted.map(({ number }) => number))
  const ghosts = shown
    .filter(({ handle }) => !numbers.has(handle))
    .map((instance) => ghost(model, instance, where))
  const lost = wanted.flatMap((handle): readonly Difference[] => {
    const instance = seen.get(keyOf(handle))
    if (instance?.handle === handle.number && instance.weight === lastWeight(handle)) return []
    const found = instance === undefined ? 'nothing' : show(instance)
    return [
      {
        kind: 'lost',
        guarantee: 'R5, R9, W3',
        key: keyOf(handle),
        process: handle.process,
        message: `${where} shows ${found} for ${keyOf(handle)}; ${handle.process} wants handle ${handle.number} weight ${lastWeight(handle)}`,
      },
    ]
  })
  return [...ghosts, ...lost]
}

const compareWatcher = (
  model: Model,
  process: string,
  { watcher, scope, view, stale, held }: ReportedWatcher,
  wanted: readonly Handle[],
): readonly Difference[] => {
  const differences: Difference[] = []
  const add = (message: string, guarantee = 'W4'): void => {
    differences.push({ kind: 'stale-view', guarantee, process, watcher, message })
  }
  if (stale !== undefined) add(`the view of ${watcher} is stale: ${stale}`)
  if (held > 0) add(`the view of ${watcher} holds ${held} removals`)
  if (scope === 'services') {
    const services = [...new Set(wanted.map(({ service }) => service))].toSorted().join()
    const shown = view
      .map(({ service }) => service)
      .toSorted()
      .join()
    if (shown !== services)
      add(`the view of ${watcher} shows the services [${shown}] instead of [${services}]`, 'W3')
    return differences
  }
  const inScope =
    scope === 'all' ? wanted : wanted.filter(({ service }) => service === scope.service)
  differences.push(
    ...compareInstances(model, view, inScope, `the view of ${watcher}`).map((one) => ({
      ...one,
      watcher,
    })),
  )
  return differences
}

/** Calls that have not ended, although the backend answers. */
const pendingCalls = (model: Model): readonly Difference[] =>
  [...model.handles.values()].flatMap((handle): readonly Difference[] => {
    const client = model.clients.get(handle.process)
    if (
      client === undefined ||
      Math.min(client.killedMs, client.leavingMs, client.endedMs) < Infinity
    )
      return []
    const key = keyOf(handle)
    const subject = { kind: 'pending-call', key, process: handle.process } as const
    const where = `of handle ${handle.number} (${key}, ${handle.process}) has not ended`
    const pending: Difference[] = []
    if (
      handle.pending ||
      (handle.registeredMs === Infinity && model.unwantedMs(handle) === Infinity)
    )
      pending.push({ ...subject, guarantee: 'R8', message: `register ${where}` })
    if (handle.deregisteringMs < Infinity && handle.deregisteredMs === Infinity)
      pending.push({ ...subject, guarantee: 'R2', message: `deregister ${where}` })
    if (handle.weights.some(({ ending }) => ending === undefined))
      pending.push({ ...subject, guarantee: 'R9', message: `update ${where}` })
    return pending
  })

/** Registrations that do not say that they are registered. */
const wrongStates = (
  model: Model,
  snapshot: Snapshot,
  wanted: ReadonlyMap<string, Handle>,
): readonly Difference[] =>
  snapshot.processes.flatMap(({ process, registrations, pendingRemovals }) => {
    const differences: Difference[] = []
    if (pendingRemovals > 0)
      differences.push({
        kind: 'pending-call',
        guarantee: 'R6',
        process,
        message: `${process} reports ${pendingRemovals} pending removals`,
      })
    for (const { handle: number, state, cause } of registrations) {
      const handle = model.handles.get(number)
      if (handle === undefined || wanted.get(keyOf(handle)) !== handle || state === 'registered')
        continue
      differences.push({
        kind: 'lost',
        guarantee: 'R5',
        key: keyOf(handle),
        process,
        message: `handle ${number} of ${process} (${keyOf(handle)}) is ${state}${cause === undefined ? '' : ` (${cause})`} instead of registered`,
      })
    }
    return differences
  })

/** Two owners of one id, neither of which was told that it lost. */
const twoOwners = (model: Model): readonly Difference[] =>
  [...model.byKey].flatMap(([key, handles]): readonly Difference[] => {
    const owners = handles.filter(
      (handle) => model.unwantedMs(handle) === Infinity && handle.registeredMs < Infinity,
    )
    if (owners.length < 2) return []
    const names = owners
      .map(({ number, process }) => `handle ${number} of ${process}`)
      .join(' and ')
    return [{ kind: 'wrong-winner', guarantee: 'R7', key, message: `${names} both hold ${key}` }]
  })

/** All that is not yet as the guarantees promise it, in one snapshot of a quiet time. */
export const differencesIn = (model: Model, snapshot: Snapshot): readonly Difference[] => {
  const wanted = wantedInstances(model)
  const handles = [...wanted.values()]
  const listed: readonly Difference[] =
    snapshot.listed === undefined
      ? [{ kind: 'lost', guarantee: 'D5', message: `the list failed: ${snapshot.failure}` }]
      : compareInstances(model, snapshot.listed, handles, 'the list')
  return [
    ...pendingCalls(model),
    ...twoOwners(model),
    ...wrongStates(model, snapshot, wanted),
    ...listed,
    ...snapshot.processes.flatMap(({ process, watchers }) =>
      watchers.flatMap((watcher) => compareWatcher(model, process, watcher, handles)),
    ),
  ]
}

/**
 * Each quiet time must reach, within the bound, a snapshot without a difference. `modelAt` is the
 * model of the timeline up to a time.
 */
export const checkSettled = (
  timeline: readonly TimelineEvent[],
  settledMs: number,
  modelAt: (atMs: number) => Model,
  sinceMs = 0,
): readonly Violation[] => {
  const violations: Violation[] = []
  let beganMs: number | undefined
  let last: Snapshot | undefined
  for (const event of timeline) {
    if (event.type === 'quiet-began') {
      beganMs = event.atMs
      last = undefined
    } else if (event.type === 'snapshot') last = event
    else if (event.type === 'quiet-ended' && beganMs !== undefined && last !== undefined) {
      if (last.atMs < sinceMs) continue
      const { atMs } = last
      const afterMs = atMs - beganMs
      for (const difference of differencesIn(modelAt(atMs), last))
        violations.push({
          ...difference,
          atMs,
          message: `${difference.message}; ${(afterMs / 1_000).toFixed(1)} s after all faults had ended (bound ${(settledMs / 1_000).toFixed(1)} s, from ${showMs(beganMs)})`,
        })
    }
  }
  return violations
}
