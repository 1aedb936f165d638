import { goodLink, longestDelayMs } from '../network/link-profile.ts'
import { faultsEndMs, type Schedule } from '../schedule/schedule.ts'
import { applyOperation } from './apply-operation.ts'
import { close, deregister } from './apply-action.ts'
import {
  checkAdopted,
  checkCalls,
  checkGhosts,
  checkHealth,
  checkRegistrations,
  checkSessions,
  checkWanted,
} from './check-registrations.ts'
import { isWanted } from './is-wanted.ts'
import { checkLossProtection, checkNoBlink, checkRestoreBlinks, checkViews } from './check-views.ts'
import { World } from './world.ts'

/** What a run found. */
export interface Outcome {
  readonly violations: readonly string[]
  readonly virtualMs: number
  /** How often each diagnostic event was published. */
  readonly events: ReadonlyMap<string, number>
}

interface Bounds {
  /** After the backend answers again, every registration is back within this time (R5). */
  readonly backMs: number
  /** The audit has found the changes of third parties (R5). */
  readonly healedMs: number
  /** After a backup was restored, everything is as it should be (R5, R6). */
  readonly restoredMs: number
  /** All registrations have settled, also where only an audit finds the difference. */
  readonly settledMs: number
  /** Every hold and every recovery window is over. */
  readonly viewsMs: number
}

const boundsOf = ({ config }: Schedule): Bounds => {
  const { ttlMs, ttlFactor, capMs, callTimeoutMs, graceMs } = config
  const grantedMs = ttlMs * Math.max(1, ttlFactor)
  const settledMs = 2.5 * grantedMs + callTimeoutMs + capMs + 1_000 + longestDelayMs
  const holdMs = grantedMs + capMs + 2_000
  const backMs = 0.3 * grantedMs + callTimeoutMs + capMs + 1_000
  const healedMs = grantedMs + 300
  const reattachMs = 2 * callTimeoutMs + capMs + longestDelayMs
  return {
    // a heartbeat detects the loss, a call that hangs since the outage times out, then cap + 1 s
    backMs,
    healedMs,
    // an audit that the outage interrupts is repeated; a lease that nobody renews ends by its ttl
    restoredMs: Math.max(backMs, healedMs + Math.max(callTimeoutMs, graceMs)),
    settledMs,
    viewsMs: Math.max(settledMs, 1.1 * grantedMs + graceMs + holdMs + reattachMs + 500),
  }
}

const endFaults = ({ server, processes }: World): void => {
  server.thaw()
  server.start('kept')
  server.denied.clear()
  server.deniedServices.clear()
  for (const process of processes) {
    if (process.crashed) continue
    process.clock.resume()
    if (process.link.mode !== 'up') process.link.heal()
    process.link.profile = goodLink
  }
}

/**
 * Deregisters everything without faults: no recovery window is open, so every view follows at once.
 */
const leave = async (world: World): Promise<void> => {
  for (const process of world.processes)
    for (const handle of process.handles)
      if (isWanted(process, handle)) deregister(world, process, handle)
  await world.clock.runUntil(world.clock.monotonicMs() + 600)
  checkGhosts(world)
  checkViews(world, 'R2')
}

/** Closes every registry, some of them cut off from the server. */
const closeAll = async (world: World): Promise<void> => {
  const { clock, processes, random, schedule, server, journal } = world
  const cutOff = new Set(processes.filter((process) => process.alive && random.chance(0.2)))
  for (const process of cutOff) process.link.partition(random.pick(['silent', 'refused']))
  for (const process of processes) close(world, process)
  await clock.runUntil(clock.monotonicMs() + schedule.config.closeTimeoutMs + 50)
  checkCalls(world)
  for (const process of processes) {
    if (process.crashed) continue
    const { name, readers } = process
    if (process.clock.pendingTimers > 0)
      journal.violation(`${name} has ${process.clock.pendingTimers} timers after close (R11)`)
    for (const { reader } of readers)
      if (reader.ended !== 'closed') journal.violation(`${reader.name} ended: ${reader.ended} (W8)`)
    const left = server.leases.ids(name)
    if (!cutOff.has(process) && left.length > 0)
      journal.violation(`${name} was closed and left the leases ${left.join(', ')} (R11)`)
  }
}

/** Every round trip takes longer than ttl/6 and less than ttl/4. */
const slowDown = ({ processes, schedule, random }: World): void => {
  const { ttlMs, ttlFactor } = schedule.config
  const minDelayMs = ttlMs * Math.min(1, ttlFactor) * (0.085 + 0.025 * random.next())
  for (const { link } of processes) link.profile = { ...goodLink, minDelayMs }
}

/** A slow link alone causes no trouble. */
const checkCalm = ({ events, journal }: World): void => {
  for (const event of ['session-waiting', 'watch-stale', 'registration-recovering'])
    if (events.has(event)) journal.violation(`${event}, although every call is answered`)
}

const run = async (world: World): Promise<void> => {
  const { schedule, clock, server } = world
  const { kind, operations } = schedule
  const bounds = boundsOf(schedule)
  if (kind === 'slow') slowDown(world)
  for (const operation of operations) {
    await clock.runUntil(operation.atMs)
    applyOperation(world, operation)
  }
  const endMs = faultsEndMs(schedule)
  await clock.runUntil(endMs)
  if (kind === 'slow') checkCalm(world)
  endFaults(world)
  if (kind !== 'storm') {
    const { backMs, healedMs, restoredMs } = bounds
    const afterMs = { tamper: healedMs, restore: restoredMs }[kind as string] ?? backMs
    await clock.runUntil(endMs + afterMs)
    checkWanted(world, 'R5: back in time')
    if (kind === 'tamper') checkAdopted(world)
    if (kind === 'restore') checkGhosts(world)
  }
  await clock.runUntil(endMs + bounds.settledMs)
  checkRegistrations(world)
  checkCalls(world)
  checkSessions(world)
  await clock.runUntil(endMs + bounds.viewsMs)
  checkViews(world, 'W3')
  checkHealth(world)
  if (kind === 'short') checkNoBlink(world)
  if (kind === 'restore') checkRestoreBlinks(world)
  if (kind === 'wipe') {
    const sizes = ['a', 'b', 'all'].map(
      (scope) => [scope, server.instances(scope === 'all' ? undefined : scope).length] as const,
    )
    checkLossProtection(world, new Map(sizes))
  }
  await leave(world)
  await closeAll(world)
}

/** Runs one schedule to its end and returns its violations. */
export const simulate = async (
  schedule: Schedule,
  trace?: (line: string) => void,
): Promise<Outcome> => {
  const world = new World(schedule, trace)
  const unhandled = (error: unknown): void =>
    world.journal.violation(`unhandled rejection: ${String(error)}`)
  process.on('unhandledRejection', unhandled)
  try {
    await run(world)
  } catch (error) {
    world.journal.violation(
      `the run broke: ${error instanceof Error ? error.stack : String(error)}`,
    )
  } finally {
    process.off('unhandledRejection', unhandled)
  }
  return {
    violations: world.journal.violations,
    virtualMs: world.clock.monotonicMs(),
    events: world.events,
  }
}
