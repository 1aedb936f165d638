import {
  type Cursor,
  type InstanceRecord,
  RegistryError,
  type SkippedRecord,
  toCursor,
  toRecordKey,
} from '@sd/core/driver'
import { setTimeout as delay } from 'node:timers/promises'
import { type Variant, wrongDriver, wrongObserve } from './variant.ts'

const never = new AbortController().signal

const asRecord = ({ key }: SkippedRecord): InstanceRecord => {
  const [service = '', id = ''] = key.split('/')
  const nothing = { endpoints: [], weight: 100, health: 'passing', tags: [], metadata: {} }
  return { key, instance: { service, id, ...nothing } }
}

const unavailable = (message: string): RegistryError =>
  new RegistryError('unavailable', { backend: 'memory', operation: 'any', message })

/** A client's error that is not translated. */
const translateNothing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof RegistryError) throw new Error(error.message, { cause: error })
    throw error
  }
}

/** Memory drivers with one fault in their reads, observations or edits. */
export const wrongDrivers: readonly Variant[] = [
  wrongDriver('a list has unreadable records among the records', ['T12'], (right) => ({
    list: async (scope, signal) => {
      const { records, skipped, ...rest } = await right.list(scope, signal)
      return { ...rest, records: [...records, ...skipped.map(asRecord)], skipped: [] }
    },
  })),
  wrongDriver('the keys of a list differ from those of observations', ['T12'], (right) => ({
    list: async (scope, signal) => {
      const contents = await right.list(scope, signal)
      const records = contents.records.map((record) => ({
        ...record,
        key: toRecordKey(`${record.key}#${JSON.stringify(record.instance).length}`),
      }))
      return { ...contents, records }
    },
  })),
  wrongDriver('a list is cached', ['T2'], (right) => {
    let kept: ReturnType<typeof right.list> | undefined
    let endMs = 0
    return {
      list: (scope, signal) => {
        if (kept === undefined || performance.now() > endMs) {
          endMs = performance.now() + 1_000
          kept = right.list(scope, signal)
        }
        return kept
      },
    }
  }),
  wrongObserve(
    'a snapshot is read before the changes are subscribed to',
    ['T13'],
    (right, driver) =>
      async function* (scope, cursor, signal) {
        if (cursor !== undefined) return yield* right(scope, cursor, signal)
        const snapshot = await driver.list(scope, signal)
        await delay(4)
        let first = true
        for await (const observation of right(scope, undefined, signal)) {
          yield first ? { type: 'snapshot', ...snapshot } : observation
          first = false
        }
      },
  ),
  wrongObserve(
    'removals are not delivered',
    ['T14'],
    (right) =>
      async function* (scope, cursor, signal) {
        for await (const observation of right(scope, cursor, signal))
          yield observation.type === 'changes' ? { ...observation, removed: [] } : observation
      },
  ),
  wrongObserve(
    'updates are not delivered',
    ['T12', 'T14'],
    (right) =>
      async function* (scope, cursor, signal) {
        const seen = new Set<string>()
        for await (const observation of right(scope, cursor, signal)) {
          if (observation.type === 'alive') {
            yield observation
            continue
          }
          const records = observation.records.filter(({ key }) => !seen.has(key))
          for (const { key } of observation.records) seen.add(key)
          yield { ...observation, records }
        }
      },
  ),
  wrongObserve(
    'the removal of the last name is not delivered',
    ['T14'],
    (right) =>
      async function* (scope, cursor, signal) {
        const names = new Set<string>()
        for await (const observation of right(scope, cursor, signal)) {
          if (observation.type === 'alive') yield observation
          else {
            for (const name of observation.services ?? []) names.add(name)
            const gone = observation.type === 'changes' ? (observation.removedServices ?? []) : []
            for (const name of gone) names.delete(name)
            if (names.size > 0 || gone.length === 0) yield observation
          }
        }
      },
  ),
  wrongObserve(
    'every change is a snapshot, although deltas are declared',
    ['T14'],
    (right, driver) =>
      async function* (scope, cursor, signal) {
        for await (const observation of right(scope, cursor, signal))
          if (observation.type === 'changes')
            yield { type: 'snapshot', ...(await driver.list(scope, signal)) }
          else yield observation
      },
  ),
  wrongObserve(
    'changes come without a cursor',
    ['T15'],
    (right) =>
      async function* (scope, cursor, signal) {
        for await (const observation of right(scope, cursor, signal)) {
          const { cursor: _, ...bare } = observation
          yield observation.type === 'changes' ? bare : observation
        }
      },
  ),
  wrongObserve(
    'a cursor is ignored, although resume is declared',
    ['T15', 'T16'],
    (right) => (scope, _cursor, signal) => right(scope, undefined, signal),
  ),
  wrongObserve(
    'resuming from a cursor begins with the present',
    ['T15'],
    (right) =>
      async function* (scope, cursor, signal) {
        let first = cursor !== undefined
        for await (const observation of right(scope, cursor, signal)) {
          yield first && observation.type === 'changes' ? { type: 'alive' } : observation
          first = false
        }
      },
  ),
  wrongDriver('a cursor is a bare revision', ['T16'], (right, { world }) => {
    const revisionOf = (cursor: Cursor): Cursor => toCursor(cursor.slice(cursor.indexOf(':') + 1))
    return {
      observe: async function* (scope, cursor, signal) {
        const whole =
          cursor && toCursor(/^\d+$/.test(cursor) ? `${world.store.epoch}:${cursor}` : cursor)
        for await (const observation of right.observe(scope, whole, signal))
          yield observation.cursor === undefined
            ? observation
            : { ...observation, cursor: revisionOf(observation.cursor) }
      },
    }
  }),
  wrongObserve(
    'an expired cursor is treated as the present one',
    ['T16'],
    (right) =>
      async function* (scope, cursor, signal) {
        try {
          yield* right(scope, cursor, signal)
        } catch (error) {
          if ((error as { code?: unknown }).code !== 'cursor-expired') throw error
          yield { type: 'alive' }
          let first = true
          for await (const observation of right(scope, undefined, signal)) {
            if (!first) yield observation
            first = false
          }
        }
      },
  ),
  wrongObserve(
    'an observation ends without an error',
    ['T19'],
    (right) =>
      async function* (scope, cursor, signal) {
        try {
          yield* right(scope, cursor, signal)
        } catch {
          signal.throwIfAborted()
        }
      },
  ),
  wrongDriver('an edit compares nothing', ['T11'], (right, { world, namespace }) => ({
    edit: async (record, instance) => {
      const claim = record.claim ?? { owner: '', claimedAtMs: 0, seq: 0 }
      const sessionId = world.sessionOf(namespace, instance)
      const request = { mode: 'if-newer', ttlMs: 1, registeredAtMs: 1 } as const
      const next = { ...claim, seq: claim.seq + 1 }
      world.write(namespace, { ...request, instance, claim: next }, sessionId || undefined)
      return 'edited'
    },
  })),
  wrongDriver(
    'an edit ties the record to another session',
    ['T11'],
    (right, { world, namespace }) => ({
      edit: async (record, instance, signal) => {
        const outcome = await right.edit?.(record, instance, signal)
        if (outcome !== 'edited') return outcome ?? 'absent'
        const claim = record.claim ?? { owner: '', claimedAtMs: 0, seq: 0 }
        const request = { mode: 'if-newer', ttlMs: 1, registeredAtMs: 1 } as const
        const next = { ...claim, seq: claim.seq + 1 }
        world.write(namespace, { ...request, instance, claim: next }, undefined)
        return outcome
      },
    }),
  ),
  wrongDriver('an abort is ignored', ['T17'], (right) => ({
    list: (scope) => right.list(scope, never),
    probe: () => right.probe(never),
    openSession: (options) => right.openSession(options, never),
  })),
  wrongDriver('an abort is reported as a timeout', ['T17'], (right) => ({
    list: (scope, signal) =>
      right.list(scope, signal).catch((error: unknown) => {
        throw signal.aborted ? unavailable('aborted') : error
      }),
  })),
  wrongDriver('errors are of another class', ['T18'], (right) => ({
    list: (scope, signal) => translateNothing(right.list(scope, signal)),
    probe: (signal) => translateNothing(right.probe(signal)),
  })),
  wrongDriver('an outage is reported as permanent', ['T18'], (right) => ({
    list: (scope, signal) =>
      right.list(scope, signal).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== 'unavailable') throw error
        const message = 'no server'
        throw new RegistryError('unsupported', { backend: 'memory', operation: 'list', message })
      }),
  })),
  wrongDriver('disposing ends no pending call', ['T24'], () => ({
    [Symbol.asyncDispose]: async () => {},
  })),
  wrongDriver('a disposed driver reports unavailable', ['T24'], (right) => ({
    list: (scope, signal) =>
      right.list(scope, signal).catch((error: unknown) => {
        throw (error as { code?: unknown }).code === 'closed' ? unavailable('disposed') : error
      }),
  })),
]
