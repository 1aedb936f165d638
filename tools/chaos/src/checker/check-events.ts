import {
  type EventOf,
  keyOf,
  type SeenInstance,
  type TimelineEvent,
  type ToldChange,
} from '../timeline/timeline-event.ts'
import type { Violation } from './violation.ts'

const same = (one: SeenInstance | undefined, other: SeenInstance | undefined): boolean =>
  one?.handle === other?.handle && one?.weight === other?.weight

/** What is wrong with a change, given what the watcher was told before. */
const contradiction = (change: ToldChange, known: SeenInstance | undefined): string | undefined => {
  const key = keyOf(change)
  if (change.type === 'added')
    return known === undefined ? undefined : `${key} is added, and was known`
  if (known === undefined) return `${key} is ${change.type}, and was not known`
  if (change.type === 'updated' && !same(change.previous, known))
    return `${key} is updated from handle ${change.previous?.handle} weight ${change.previous?.weight}, and handle ${known.handle} weight ${known.weight} was told`
  return undefined
}

const contradictionsIn = (
  event: EventOf<'told'>,
  view: Map<string, SeenInstance>,
): readonly string[] => {
  if (event.event === 'change' && event.changes.length === 0) return ['a change without changes']
  return event.changes.flatMap((change) => {
    const wrong = contradiction(change, view.get(keyOf(change)))
    if (change.type === 'removed') view.delete(keyOf(change))
    else view.set(keyOf(change), change)
    return wrong ?? []
  })
}

/**
 * W1, W2: the changes of each watcher begin with a `sync`, nothing is added twice, and only what is
 * known is updated or removed.
 */
export const checkEvents = (timeline: readonly TimelineEvent[]): readonly Violation[] => {
  const views = new Map<string, Map<string, SeenInstance>>()
  return timeline.flatMap((event): readonly Violation[] => {
    if (event.type !== 'told') return []
    const { atMs, process, watcher } = event
    // only stale may precede the first sync
    if (event.event === 'stale') return []
    const known = views.get(watcher)
    const view = known ?? new Map<string, SeenInstance>()
    views.set(watcher, view)
    const tooEarly =
      known === undefined && event.event === 'change' ? ['a change precedes the first sync'] : []
    return [...tooEarly, ...contradictionsIn(event, view)].map((wrong) => ({
      kind: 'inconsistent-events',
      guarantee: 'W1, W2',
      atMs,
      process,
      watcher,
      message: `${watcher} contradicts itself: ${wrong}`,
    }))
  })
}
