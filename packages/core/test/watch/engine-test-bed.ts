import {
  type Cursor,
  type InstanceRecord,
  type Observation,
  type RegistryDriver,
  toCursor,
  toRecordKey,
} from '@sd/core/driver'
import { Availability } from '../../src/runtime/availability.ts'
import { InstanceView } from '../../src/watch/instance-view.ts'
import { Reader } from '../../src/watch/reader.ts'
import type { WatchContext } from '../../src/watch/served-view.ts'
import { WatchEngine } from '../../src/watch/watch-engine.ts'
import { ManualClock } from '../manual-clock.ts'
import { instance, ttlMs } from '../registration/supervisor-test-bed.ts'

/** The longest pause between two attachments. */
export const capMs = 400
/** How long the removal of a record of these tests is held: its ttl, the longest pause and 2 s. */
export const holdMs = ttlMs + capMs + 2_000
const settings = { maxFraction: 0.5, holdMs: 2_000, maxHoldMs: 10_000, minInstances: 3 }

const recordOf = (id: string, weight = 1): InstanceRecord => ({
  key: toRecordKey(id),
  instance: { ...instance('a', id), weight, health: 'passing', tags: [], metadata: {} },
  ttlMs,
})

/** One time that the engine attached. */
interface Attached {
  readonly atMs: number
  readonly cursor: Cursor | undefined
  readonly signal: AbortSignal
}

/** An engine with one reader, whose driver delivers what the test pushes. No probes are sent. */
export const createEngine = ({ isProtected = true } = {}) => {
  const clock = new ManualClock()
  const attached: Attached[] = []
  const lines: string[] = []
  let queue: (Observation | Error)[] = []
  let wake = (): void => {}
  const driver = {
    observe: async function* (_scope: unknown, cursor: Cursor | undefined, signal: AbortSignal) {
      attached.push({ atMs: clock.monotonicMs(), cursor, signal })
      for (;;) {
        const first = queue.shift()
        if (first instanceof Error) throw first
        if (first === undefined)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        else yield first
      }
    },
  } as Partial<RegistryDriver> as RegistryDriver
  const publish: WatchContext['publish'] = (_topic, level, event, _message, details = {}) => {
    const { held } = details as { readonly held?: number }
    lines.push(`${level} ${event}${held === undefined ? '' : ` ${held}`}`)
  }
  const availability = new Availability({
    backend: 'scripted',
    servers: undefined,
    clock,
    ttlMs,
    publish: () => {},
  })
  const engine = new WatchEngine(
    {
      driver,
      backend: 'scripted',
      clock,
      random: { next: () => 0.5, id: () => '' },
      ttlMs,
      callTimeoutMs: 300,
      backoff: { minMs: 50, maxMs: capMs },
      publish,
      availability,
      lossProtection: isProtected ? settings : undefined,
    },
    { scope: { service: 'a' }, view: new InstanceView(() => {}), onUnused: () => {} },
  )
  const push = async (...some: readonly (Observation | Error)[]): Promise<void> => {
    queue = [...queue, ...some]
    wake()
    await clock.advance(0)
  }
  return {
    clock,
    attached,
    availability,
    engine,
    reader: new Reader(engine.served, undefined),
    push,
    /** Pushes a snapshot of these ids. */
    snapshot: (...ids: readonly string[]) =>
      push({
        type: 'snapshot',
        records: ids.map((id) => recordOf(id)),
        skipped: [],
        cursor: toCursor('7'),
      }),
    /** Pushes records with these ids and this weight, and removals. */
    change: (here: readonly string[], gone: readonly string[] = [], weight = 1) =>
      push({
        type: 'changes',
        records: here.map((id) => recordOf(id, weight)),
        removed: gone.map((id) => toRecordKey(id)),
        skipped: [],
      }),
    /** What was published since the last call: level and event, and how many removals are held. */
    told: () => lines.splice(0),
    heldIds: () => engine.served.held.map((key) => engine.served.entries.get(key)?.id),
  }
}
