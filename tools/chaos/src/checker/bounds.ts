/** The settings of a run that the guarantees depend on. All durations are milliseconds. */
export interface RunSettings {
  readonly ttlMs: number
  /** The cap of the backoff. */
  readonly capMs: number
  readonly minBackoffMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  /** What the server adds to a ttl before it removes an owner's instances. */
  readonly graceMs: number
  /** How long a restart with its data may take without anybody noticing it (R4). */
  readonly restartLimitMs: number
  /** How long a write whose answer was lost may still take effect; 0 where a fence prevents it. */
  readonly lateWriteMs: number
  /** How long a watch may take to notice that its connection is dead, beyond its attachment. */
  readonly deadWatchMs: number
  /** How long the backend itself may keep what a restored backup brings back of owners that are gone. */
  readonly restoredMs: number
  /** Added to every deadline, for loaded machines. */
  readonly slackMs: number
}

/** The bounds that the checker applies, derived from docs/guarantees.md. */
export interface Bounds extends RunSettings {
  /** R4: an outage up to this length shows no watcher a blink. */
  readonly outageLimitMs: number
  /** R3: the instances of a killed owner have left every list. */
  readonly crashedMs: number
  /** W4: how long a removal may be held. */
  readonly holdMs: number
  /** R5: a registration is back, whatever was lost: a ttl to notice, and cap + 1 s. */
  readonly backMs: number
  /** From the end of all faults to the state that every guarantee promises. */
  readonly settledMs: number
  /** R7: calls that are closer together are not ordered. */
  readonly clockToleranceMs: number
  /** Calls of the backend by one process, a second, beyond which something repeats unpaused. */
  readonly callsPerSecond: number
  /** The share of a processor that one process may use for seconds. */
  readonly cpuShare: number
}

/** `W3`: attaching again to a silent server takes twice the call timeout. */
const attachments = 2

/** Loops of one process that repeat with the backoff: session, writes, audits, watches, lists. */
const repeatingLoops = 10

/** The bounds of a run. */
export const boundsOf = (settings: RunSettings): Bounds => {
  const { ttlMs, capMs, minBackoffMs, callTimeoutMs, graceMs, slackMs } = settings
  const crashedMs = ttlMs + graceMs
  const holdMs = ttlMs + capMs + 2_000
  const backMs = ttlMs + capMs + 1_000 + callTimeoutMs
  return {
    ...settings,
    outageLimitMs: ttlMs / 2,
    crashedMs,
    holdMs,
    backMs,
    settledMs:
      Math.max(crashedMs + settings.lateWriteMs, backMs) +
      holdMs +
      attachments * callTimeoutMs +
      settings.deadWatchMs +
      slackMs,
    // a claim is made a moment after the call was reported
    clockToleranceMs: 1_100,
    // a heartbeat that fails at once is repeated after ttl/24 (architecture.md, Timing)
    callsPerSecond: 24_000 / ttlMs + (repeatingLoops * 1_000) / minBackoffMs,
    cpuShare: 0.8,
  }
}
