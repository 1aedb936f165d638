import { constants } from 'node:os'

/** How a service ended. */
export interface StopResult {
  /** 0; 1 when a phase failed. */
  readonly exitCode: number
  /** What failed, in order. */
  readonly errors: readonly unknown[]
}

/** What `watchProcess` calls, and when. */
export interface ProcessHooks {
  readonly signals: readonly NodeJS.Signals[]
  readonly uncaughtException: boolean
  readonly exit: () => boolean
  readonly stop: () => Promise<StopResult>
  /** Records an error that ends the service. */
  readonly fail: (error: unknown) => void
  /** Closes everything abruptly, before the process exits. */
  readonly destroy: () => void
}

/**
 * Stops a service on signals, on an empty event loop and, if asked, on an uncaught exception. The
 * second signal ends the process at once with 128 + the signal's number, as in a shell. Returns a
 * function that removes the listeners.
 */
export const watchProcess = (hooks: ProcessHooks): (() => void) => {
  let signalled = false
  const stopAndExit = async (): Promise<void> => {
    const { exitCode } = await hooks.stop()
    if (hooks.exit()) process.exit(exitCode)
    else process.exitCode = exitCode
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signalled) {
      hooks.destroy()
      process.exit(128 + constants.signals[signal])
    }
    signalled = true
    void stopAndExit()
  }
  const onException = (error: unknown): void => {
    hooks.fail(error)
    void stopAndExit()
  }
  const onBeforeExit = (): void => void hooks.stop()
  for (const signal of hooks.signals) process.on(signal, onSignal)
  process.on('beforeExit', onBeforeExit)
  if (hooks.uncaughtException) process.on('uncaughtException', onException)
  return () => {
    // after a signal the listeners stay: without one, a signal kills the process mid-exit
    if (!signalled) for (const signal of hooks.signals) process.off(signal, onSignal)
    process.off('beforeExit', onBeforeExit)
    process.off('uncaughtException', onException)
  }
}
