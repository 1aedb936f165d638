import type { Cursor, Observation, Scope } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { timeoutOf } from '../runtime/abort.ts'
import type { Timer } from '../runtime/clock.ts'
import { attachLimitMs } from '../runtime/timing.ts'
import { type CallContext, callSubject } from '../driver/call-context.ts'

/**
 * Yields the driver's observations of one attachment, under a watchdog. The first must arrive in
 * time, counted from the last reported progress, as a host may accept a connection and never answer.
 * The iteration throws the reason of the first aborted signal of `signals`, even when the driver does
 * not react.
 */
export async function* attach(
  context: CallContext,
  scope: Scope,
  cursor: Cursor | undefined,
  signals: readonly AbortSignal[],
): AsyncGenerator<Observation, void, void> {
  const { backend, clock, callTimeoutMs, driver } = context
  const watchdog = new AbortController()
  const signal = AbortSignal.any([...signals, watchdog.signal])
  const limitMs = attachLimitMs(callTimeoutMs)
  let timer: Timer | undefined
  let attached = false
  const arm = (): void => {
    timer?.cancel()
    if (attached || signal.aborted) return
    timer = clock.setTimer(limitMs, () => {
      watchdog.abort(timeoutOf(callSubject(context, 'watch'), limitMs))
    })
  }
  let iterator: AsyncIterator<Observation> | undefined
  // one listener for all observations: adding one to a combined signal, and removing it, takes longer
  // than the rest of a change
  let interrupt = (_reason: unknown): void => {}
  signal.addEventListener('abort', () => interrupt(signal.reason), { once: true })
  const nextOf = (from: AsyncIterator<Observation>): Promise<IteratorResult<Observation>> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason as Error)
      interrupt = reject
      from.next().then(resolve, reject)
    })
  try {
    arm()
    iterator = driver.observe(scope, cursor, signal, arm)[Symbol.asyncIterator]()
    for (;;) {
      const result = await nextOf(iterator)
      attached = true
      timer?.cancel()
      if (result.done === true) return
      yield result.value
    }
  } finally {
    timer?.cancel()
    // releases the stream without waiting for it
    watchdog.abort(new RegistryError('closed', { backend, operation: 'watch', message: 'left' }))
    iterator?.return?.()?.catch(() => {})
  }
}
