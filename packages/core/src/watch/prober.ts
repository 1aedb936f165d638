import { RegistryError } from '../registry-error.ts'
import { sleep } from '../runtime/abort.ts'
import { Pulse } from '../runtime/pulse.ts'
import { probeIntervalMs } from '../runtime/timing.ts'
import { type CallContext, callSubject } from '../driver/call-context.ts'

/** Receives the results of probes. */
export interface Probed {
  /** A probe was answered; `roundTripMs` is the estimated round-trip time. */
  alive(roundTripMs: number): void
  /** One probe failed or was missed. */
  trouble(): void
  /** The connection is considered dead. */
  reattach(cause: RegistryError): void
}

/**
 * Distinguishes an unresponsive server from an idle one while any watch is open: makes a round trip
 * every ttl/6 on the connection that carries the watches, so that a healthy server answers at least
 * every ttl/3. One failure is a sign of trouble, two in a row end the attachment. A refusal counts
 * as an answer.
 */
export const probeWhile = async (
  context: CallContext,
  probed: Probed,
  signal: AbortSignal,
): Promise<void> => {
  const { clock, driver, random, ttlMs } = context
  const subject = callSubject(context, 'probe')
  const pulse: Pulse = new Pulse({
    clock,
    ttlMs,
    subject,
    signal,
    send: async (bounded) => {
      try {
        await driver.probe(bounded)
      } catch (thrown) {
        if (RegistryError.from(thrown, subject).retryable) throw thrown
      }
    },
    answered: () => probed.alive(pulse.roundTripMs),
  })
  let failures = 0
  let waitMs = probeIntervalMs(ttlMs, random)
  while (!signal.aborted) {
    try {
      await sleep(clock, waitMs, signal)
      const sentMs = clock.monotonicMs()
      await pulse.attempt()
      failures = 0
      waitMs = Math.max(0, probeIntervalMs(ttlMs, random) - (clock.monotonicMs() - sentMs))
    } catch (thrown) {
      if (signal.aborted) return
      failures += 1
      probed.trouble()
      if (failures >= 2) probed.reattach(RegistryError.from(thrown, subject))
      waitMs = failures === 1 ? 0 : probeIntervalMs(ttlMs, random)
    }
  }
}
