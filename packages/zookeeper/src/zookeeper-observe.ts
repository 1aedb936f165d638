import {
  inParallel,
  type Observation,
  type Progress,
  type Scope,
  toContents,
  Wake,
} from '@sd/core/driver'
import type { Keys } from './keys.ts'
import { ParentFollowers } from './observe/parent-followers.ts'
import { JoinedSignal } from './observe/joined-signal.ts'
import { NameFollower } from './observe/name-follower.ts'
import type { ObservationContext } from './observe/observation-context.ts'
import { type RecordChanges, ServiceFollower } from './observe/service-follower.ts'
import type { Reader } from './reader/reader.ts'
import { maxReads, serviceIn } from './reader/read-scope.ts'

/** Reads everything the first time, then the changes since the last call. Calls never overlap. */
type ReadChanges = () => Promise<Exclude<Observation, { type: 'alive' }>>

const nothing = { records: [], skipped: [] }

const recordReader = (changes: () => Promise<RecordChanges>): ReadChanges => {
  let first = true
  return async () => {
    const { decoded, removed } = await changes()
    const type = first ? 'snapshot' : 'changes'
    first = false
    return { type, ...toContents(decoded), removed }
  }
}

const readerOfAll = (context: ObservationContext, changed: () => void): ReadChanges => {
  const follow = (parent: string, due: () => void): ServiceFollower =>
    new ServiceFollower(context, parent, due)
  const parents = new ParentFollowers(context, follow, changed)
  return recordReader(async () => {
    const { due, gone } = await parents.due()
    for (const follower of gone) follower.leave()
    const changes = await inParallel(due, maxReads, (follower) => follower.changes())
    return {
      decoded: changes.flatMap(({ decoded }) => decoded),
      removed: [
        ...gone.flatMap(({ known }) => known),
        ...changes.flatMap(({ removed }) => removed),
      ],
    }
  })
}

const readerOfServices = (context: ObservationContext, changed: () => void): ReadChanges => {
  const follow = (parent: string, due: () => void): NameFollower =>
    new NameFollower(context, parent, due)
  const parents = new ParentFollowers(context, follow, changed)
  let first = true
  return async () => {
    const { due, gone } = await parents.due()
    for (const follower of gone) follower.leave()
    const names: string[] = []
    const removedServices = gone.flatMap(({ service }) => service ?? [])
    await inParallel(due, maxReads, async (follower) => {
      const before = follower.service
      await follower.refresh()
      if (follower.service === before) return
      if (before !== undefined) removedServices.push(before)
      if (follower.service !== undefined) names.push(follower.service)
    })
    const type = first ? 'snapshot' : 'changes'
    first = false
    return { type, ...nothing, services: names, removed: [], removedServices }
  }
}

const readerOf = (context: ObservationContext, scope: Scope, changed: () => void): ReadChanges => {
  if ('services' in scope) return readerOfServices(context, changed)
  if ('all' in scope) return readerOfAll(context, changed)
  const follower = new ServiceFollower(context, context.keys.parent(scope.service), changed)
  return recordReader(() => follower.changes())
}

const isEmpty = (observation: Exclude<Observation, { type: 'alive' }>): boolean =>
  observation.type === 'changes' &&
  observation.records.length + observation.skipped.length + observation.removed.length === 0 &&
  (observation.services ?? []).length + (observation.removedServices ?? []).length === 0

/**
 * Observes a scope: a snapshot, then changes. Every read comes after the watch that covers it, so that no
 * change is lost. The observation ends with its connection. The next
 * one's snapshot contains later changes; it begins with a barrier, as another member may lag behind.
 */
export async function* observe(
  keys: Keys,
  reader: Reader,
  scope: Scope,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<Observation, never> {
  const service = serviceIn(scope)
  const connection = await reader.call(
    'observe',
    signal,
    async (current) => {
      await current.barrier(signal)
      return current
    },
    service,
  )
  using joined = new JoinedSignal([signal, connection.lost])
  const ended = joined.signal
  using subscription = connection.watches.subscribe(ended)
  using trees = connection.trees.subscribe(ended)
  const wake = new Wake()
  const context = { keys, reads: connection, subscription, trees, signal: ended }
  const readChanges = readerOf(context, scope, () => wake.notify())
  const next = async (): Promise<Observation> => {
    try {
      await wake.notified()
      ended.throwIfAborted()
      const observation = await readChanges()
      return isEmpty(observation) ? { type: 'alive' } : observation
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw reader.failure(connection, cause, 'observe', service)
    }
  }
  // one listener for all changes
  ended.addEventListener('abort', () => wake.notify(), { once: true })
  wake.notify()
  const stop = connection.onAnswer(progress)
  const snapshot = await next().finally(stop)
  yield snapshot
  for (;;) yield await next()
}
