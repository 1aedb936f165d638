import { type Action, places, type WatchScope } from '../schedule/operation.ts'
import type { Registry } from '../../../src/registry.ts'
import type { InstanceChange, ServiceChange } from '../../../src/watch/watch-event.ts'
import type { BaseWatcher } from '../../../src/watcher.ts'
import { clockToleranceMs } from '../../../src/runtime/timing.ts'
import { Handle } from './handle.ts'
import { ReaderModel } from './reader-model.ts'
import type { SimProcess } from './sim-process.ts'
import type { World } from './world.ts'

/** Whether another process registered the id later, by more than clocks may differ. */
const isOutcalled = (world: World, process: SimProcess, { place, calledAtMs }: Handle): boolean =>
  // with stepping clocks any process may seem to have registered later
  world.schedule.config.clockSteps ||
  world.processes.some(
    (other) =>
      other !== process &&
      other.handles.some(
        (handle) => handle.place === place && handle.calledAtMs > calledAtMs + clockToleranceMs,
      ),
  )

const register = (
  world: World,
  process: SimProcess,
  action: Extract<Action, { kind: 'register' }>,
): void => {
  const { place, onConflict, waitFor, abortAfterMs } = action
  const { service, id } = places[place] ?? { service: 'a', id: '1' }
  const before = process.handles.filter((handle) => handle.place === place)
  const handle = new Handle(world.nextHandle(), place, onConflict, world.clock.monotonicMs())
  handle.refusedLocally = onConflict !== 'takeover' && before.some(({ holds }) => holds)
  const aborter = new AbortController()
  const registering = process.registry.register(
    {
      service,
      id,
      endpoints: ['http://10.0.0.1:80'],
      weight: world.nextWeight(),
      metadata: { handle: String(handle.number), onConflict },
    },
    { onConflict, waitFor, signal: aborter.signal },
  )
  if (onConflict === 'takeover') for (const earlier of before) earlier.replacedLocally = true
  process.handles.push(handle)
  const registered = async (): Promise<void> => {
    const registration = await registering
    handle.registration = registration
    void handle.followStatus(registration, world.journal)
    if (waitFor === 'registered' && !world.ledger.everStood(registration.instance))
      world.journal.violation(
        `register ${handle.number} resolved, but its record was never stored (R1)`,
      )
  }
  const allowed = (ending: string): boolean =>
    ending === 'resolved' ||
    (ending === 'conflict' &&
      (onConflict !== 'takeover' ||
        handle.replacedLocally ||
        isOutcalled(world, process, handle))) ||
    (ending === 'permission-denied' && world.everDenied.has(place)) ||
    (ending === 'closed' && (handle.takenBack || process.closed)) ||
    (ending === 'thrown aborted' && aborter.signal.aborted)
  const call = world.follow(
    `register ${handle.number} (${process.name} ${service}/${id})`,
    registered(),
    allowed,
  )
  handle.calls.push(call)
  if (abortAfterMs !== undefined)
    world.clock.setTimer(abortAfterMs, () =>
      process.clock.deliver(() => {
        if (call.ending !== undefined || process.closed) return
        handle.takenBack = true
        aborter.abort('aborted')
      }),
    )
}

/** Deregisters; from the acknowledgement on no record of the registration may be stored. */
export const deregister = (world: World, process: SimProcess, handle: Handle): void => {
  const { registration, number } = handle
  if (registration === undefined) return
  handle.takenBack = true
  const { state } = registration.status
  handle.calls.push(
    world.follow(
      `deregister ${number} (${process.name})`,
      registration.deregister(),
      (ending) => ending === 'resolved' || (ending === 'unavailable' && process.closed),
      () => {
        if (state !== 'superseded') world.ledger.acknowledgedGone(number)
      },
    ),
  )
}

const update = (world: World, process: SimProcess, handle: Handle): void => {
  const { registration, number } = handle
  if (registration === undefined) return
  const weight = world.nextWeight()
  const allowed = (ending: string): boolean => {
    const { state } = registration.status
    if (ending === 'conflict') return state === 'superseded' || state === 'failed'
    if (ending === 'closed') return handle.takenBack || process.closed || state === 'failed'
    return ending === 'resolved' || (ending === 'permission-denied' && state === 'failed')
  }
  handle.calls.push(
    world.follow(`update ${number} to ${weight}`, registration.update({ weight }), allowed, () => {
      if (!world.ledger.everReached(number, weight))
        world.journal.violation(
          `update ${number} to ${weight} resolved, but its record was never stored (R9)`,
        )
    }),
  )
}

const watcherOf = (
  registry: Registry,
  scope: WatchScope,
): BaseWatcher<InstanceChange | ServiceChange> => {
  if (scope === 'all') return registry.watchAll()
  if (scope === 'services') return registry.watchServices()
  return registry.watch(scope)
}

const watch = (world: World, process: SimProcess, scope: WatchScope, everyMs: number): void => {
  const { journal, ledger, clock } = world
  const name = `${process.name} reader ${process.readers.length} of ${scope}`
  const reader = new ReaderModel(name, watcherOf(process.registry, scope), journal, ledger)
  process.readers.push({ scope, reader })
  void reader.read(() =>
    everyMs === 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          clock.setTimer(everyMs, () => process.clock.deliver(resolve))
        }),
  )
}

/** Iterates over a watch, and leaves it while it waits: next and return settle at once. */
const leave = (world: World, process: SimProcess, scope: WatchScope, afterMs: number): void => {
  const events = watcherOf(process.registry, scope)[Symbol.asyncIterator]()
  const name = `iteration of ${scope} (${process.name})`
  const resolved = (ending: string): boolean => ending === 'resolved'
  const read = async (): Promise<void> => {
    while ((await events.next()).done !== true);
  }
  const reading = world.follow(`${name} that was left`, read(), resolved)
  world.clock.setTimer(afterMs, () =>
    process.clock.deliver(() => {
      const left = world.follow(`leaving the ${name}`, Promise.resolve(events.return?.()), resolved)
      process.calls.push(reading, left)
      world.clock.setTimer(0, () => {
        if (left.ending === undefined || reading.ending === undefined)
          world.journal.violation(`${name} could not be left at once (W8)`)
      })
    }),
  )
}

/** Closes a registry within its timeout; none of its code runs afterwards. */
export const close = (world: World, process: SimProcess): void => {
  if (!process.alive) return
  process.closed = true
  for (const handle of process.handles) handle.takenBack = true
  const { clock, schedule } = world
  const runMs = (): number => clock.monotonicMs() - process.clock.pausedMs
  const startMs = runMs()
  const { closeTimeoutMs } = schedule.config
  process.calls.push(
    world.follow(
      `close ${process.name}`,
      process.registry.close(),
      (ending) => ending === 'resolved',
      () => {
        const tookMs = runMs() - startMs
        if (tookMs > closeTimeoutMs + 1)
          world.journal.violation(`close of ${process.name} took ${tookMs} ms (R11)`)
      },
    ),
  )
}

/** Performs a user's action. A paused process runs no user code: it acts when it resumes. */
export const applyAction = (world: World, process: SimProcess, action: Action): void => {
  process.clock.deliver(() => {
    if (!process.alive) return
    const handle = 'place' in action ? process.handleAt(action.place) : undefined
    switch (action.kind) {
      case 'register':
        register(world, process, action)
        return
      case 'update':
        if (handle !== undefined) update(world, process, handle)
        return
      case 'deregister':
        if (handle !== undefined) deregister(world, process, handle)
        return
      case 'watch':
        watch(world, process, action.scope, action.everyMs)
        return
      case 'leave':
        leave(world, process, action.scope, action.afterMs)
        return
      case 'unwatch':
        process.readers.shift()?.reader.watcher.close()
        return
      case 'list':
        process.calls.push(
          world.follow(`list (${process.name})`, process.registry.list('a'), (ending) =>
            ['resolved', 'timeout', 'unavailable', 'closed'].includes(ending),
          ),
        )
        return
      case 'close':
        if (action.afterReply === undefined) close(world, process)
        else {
          const { operation, turns } = action.afterReply
          process.link.onNextReply(operation, async () => {
            for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
            close(world, process)
          })
        }
    }
  })
}
