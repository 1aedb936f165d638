import { abortable } from '../runtime/abort.ts'
import type { Cursor, Observation, Scope } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { attachLimitMs } from '../runtime/timing.ts'
import type { WatchContext } from './watch-context.ts'

/**
 * The driver's observations of one attachment, under a watchdog: the first must come in time
 * (a host may accept and never answer), and the iteration ends with the first reason given by
 * one of the `signals`, even when the driver does not react.
 */
export async function* attach(
  context: WatchContext,
  scope: Scope,
  cursor: Cursor | undefined,
  signals: readonly AbortSignal[],
): AsyncGenerator<Observation, void, void> {
  const { backend, clock, callTimeoutMs, driver } = context
  const watchdog = new AbortController()
  const signal = AbortSignal.any([...signals, watchdog.signal])
  const limitMs = attachLimitMs(callTimeoutMs)
  const timer = clock.setTimer(limitMs, () => {
    const message = `the watch did not attach within ${limitMs} ms`
    watchdog.abort(new RegistryError('timeout', { backend, operation: 'watch', message }))
  })
  const iterator = driver.observe(scope, cursor, signal)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const result = await abortable(iterator.next(), signal)
      timer.cancel()
      if (result.done === true) return
      yield result.value
    }
  } finally {
    timer.cancel()
    // an attachment that is left must let go of its stream, but nobody waits for it to do so
    watchdog.abort(new RegistryError('closed', { backend, operation: 'watch', message: 'left' }))
    iterator.return?.().catch(() => {})
  }
}
