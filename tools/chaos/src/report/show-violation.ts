import type { Violation } from '../checker/violation.ts'
import { showMs } from '../checker/show-time.ts'
import { type EventOf, keyOf, type TimelineEvent } from '../timeline/timeline-event.ts'
import { showEvent } from './show-event.ts'

/** How much of the time before a violation is shown, and how much after it. */
const beforeMs = 30_000
const afterMs = 2_000
const mostLines = 120
/** A write of the run itself that took longer is shown. */
const slowMs = 500

/** The events that have to do with a violation, in the order of their times. */
const relevantEvents = (
  violation: Violation,
  events: readonly TimelineEvent[],
): readonly TimelineEvent[] => {
  const { key, process, watcher, atMs } = violation
  const ofKey = (service: string): boolean => key === undefined || service === key
  const handles = new Set(
    events.flatMap((event) =>
      event.type === 'registering' &&
      (key === undefined ? event.process === process : keyOf(event) === key || ofKey(event.service))
        ? event.handle
        : [],
    ),
  )
  const processes = new Set(
    [
      process,
      ...events.flatMap((event) =>
        event.type === 'registering' && handles.has(event.handle) ? event.process : [],
      ),
      ...events.flatMap((event) =>
        event.type === 'watching' && event.watcher === watcher ? event.process : [],
      ),
    ].filter((name) => name !== undefined),
  )
  const isRelevant = (event: TimelineEvent): boolean => {
    if (event.type === 'told') {
      if (watcher !== undefined && event.watcher !== watcher) return false
      return (
        (event.event !== 'change' && event.watcher === watcher) ||
        event.changes.some((change) => key === undefined || keyOf(change) === key)
      )
    }
    if (event.type === 'listed')
      return key !== undefined && (event.service === key || key.startsWith(`${event.service}/`))
    if (event.type === 'used') return violation.kind === 'busy-loop' && event.process === process
    if (event.type === 'wrote') return event.atMs - event.startedMs > slowMs
    if ('watcher' in event) return event.watcher === watcher
    if ('handle' in event) return handles.has(event.handle)
    if (event.type === 'fault-began') return true
    return !('process' in event) || processes.has(event.process)
  }
  return events
    .filter((event) => event.atMs >= atMs - beforeMs && event.atMs <= atMs + afterMs)
    .toSorted((one, other) => one.atMs - other.atMs)
    .filter(isRelevant)
}

/** Of consecutive lists that show the same of the id only the first. */
const withoutRepeatedLists = (
  events: readonly TimelineEvent[],
  key: string | undefined,
): readonly TimelineEvent[] => {
  const last = new Map<string, string>()
  const shown = ({ instances, ending }: EventOf<'listed'>): string =>
    `${ending} ${JSON.stringify(instances.filter((one) => keyOf(one) === key))}`
  return events.filter((event) => {
    if (event.type !== 'listed') return true
    const name = `${event.process} ${event.service}`
    const before = last.get(name)
    last.set(name, shown(event))
    return before !== shown(event)
  })
}

/**
 * A violation, what led to it, and how to repeat it: the faults of the last half minute, and the
 * calls, states, lists and events of its id.
 */
export const showViolation = (
  violation: Violation,
  events: readonly TimelineEvent[],
  repeat: string,
): string => {
  const { kind, guarantee, atMs, message, key } = violation
  const lines = withoutRepeatedLists(relevantEvents(violation, events), key).flatMap(
    (event) => showEvent(event, key) ?? [],
  )
  const left = lines.length - mostLines
  const shown = left > 0 ? [`… ${left} earlier lines`, ...lines.slice(-mostLines)] : lines
  return [
    `VIOLATION ${kind} (${guarantee}) at ${showMs(atMs)}`,
    `  ${message}`,
    `  repeat: ${repeat}`,
    ...shown.map((line) => `  | ${line}`),
    '',
  ].join('\n')
}
