import { setTimeout as delay } from 'node:timers/promises'
import { type BackendName, openBackend } from '../backends/open-backend.ts'
import { boundsOf, type RunSettings } from '../checker/bounds.ts'
import { checkTimeline } from '../checker/check-timeline.ts'
import type { Violation } from '../checker/violation.ts'
import { drawRound } from '../schedule/draw-round.ts'
import type { Round } from '../schedule/round.ts'
import type { TimelineEvent } from '../timeline/timeline-event.ts'
import { FaultRunner } from './fault-runner.ts'
import { Fleet } from './fleet.ts'
import { Observer } from './observer.ts'
import { Recorder } from './recorder.ts'

/** What to run. */
export interface RunOptions {
  readonly backend: BackendName
  /** How long rounds begin, at least one. */
  readonly forMs: number
  readonly seed: number
  readonly ttlMs: number
  /** How many servers the backend has. */
  readonly members: number
  /** A module with an export `wrap`, which wraps every client's driver: for planted faults. */
  readonly wrapModule?: string
  /** The run ends after the round in which this many violations are reached. */
  readonly mostViolations: number
  /** Told in one line each what happens. */
  readonly say: (line: string) => void
  /** Told the settings once the backend is known, and then every event. */
  readonly begin: (settings: RunSettings) => (event: TimelineEvent) => void
  /** Told each violation when its round has ended. */
  readonly violated: (violation: Violation, events: readonly TimelineEvent[]) => void
}

/** What a run found. */
export interface RunResult {
  readonly rounds: number
  readonly violations: readonly Violation[]
  readonly events: readonly TimelineEvent[]
}

const callTimeoutMs = 2_000
const closeTimeoutMs = 3_000
const backoff = { minMs: 100, maxMs: 1_000 }
/** What a loaded machine may add to a bound, as in the contract suite. */
const slackMs = 3_000

/** Runs rounds of actions and faults on one backend, and checks each when it has settled. */
export const runChaos = async (options: RunOptions): Promise<RunResult> => {
  const { seed, ttlMs, forMs, say } = options
  await using backend = await openBackend(options.backend, options.members)
  const namespace = `chaos-${process.pid}-${seed}`
  const settings: RunSettings = {
    ttlMs,
    capMs: backoff.maxMs,
    minBackoffMs: backoff.minMs,
    callTimeoutMs,
    closeTimeoutMs,
    slackMs,
    ...backend.boundsFor(ttlMs),
  }
  const bounds = boundsOf(settings)
  const recorder = new Recorder(options.begin(settings))
  say(`${options.backend} ${backend.description}; ttl ${ttlMs} ms, seed ${seed}`)
  const { wrapModule } = options
  const fleet = new Fleet(backend, recorder, {
    namespace,
    ttlMs,
    callTimeoutMs,
    closeTimeoutMs,
    backoff,
    ...(wrapModule === undefined ? {} : { wrapModule }),
  })
  const faults = new FaultRunner(backend, recorder, fleet)
  const violations: Violation[] = []
  let checkedMs = 0
  const check = (): number => {
    const found = checkTimeline(recorder.events, settings, checkedMs)
    for (const violation of found) options.violated(violation, recorder.events)
    violations.push(...found)
    checkedMs = recorder.nowMs()
    return found.length
  }
  const play = async (round: Round): Promise<void> => {
    await fleet.fill()
    const beganMs = recorder.nowMs()
    for (const { afterMs, what } of round.steps) {
      await delay(Math.max(0, beganMs + afterMs - recorder.nowMs()))
      if ('place' in what && what.kind !== 'expire-session') fleet.apply(what)
      else faults.begin(what)
    }
    await faults.settle()
    await fleet.calm()
  }
  let rounds = 0
  try {
    await using observer = await Observer.open(backend, namespace, recorder, bounds)
    do {
      const round = drawRound({ seed, ttlMs, faults: backend.faults }, rounds)
      await play(round)
      recorder.note({ type: 'quiet-began', round: round.number })
      const quietMs = recorder.nowMs()
      await observer.settle(() => fleet.states())
      recorder.note({ type: 'quiet-ended', round: round.number })
      const settledMs = recorder.nowMs() - quietMs
      rounds += 1
      const found = check()
      say(
        `round ${round.number} (${round.weather}): ${round.steps.length} steps, settled after ${(settledMs / 1_000).toFixed(1)} s${found === 0 ? '' : `, ${found} violations`}`,
      )
    } while (recorder.nowMs() < forMs && violations.length < options.mostViolations)
    await fleet.leave()
    await observer.listOnce()
  } finally {
    fleet.kill()
  }
  check()
  return { rounds, violations, events: recorder.events }
}
