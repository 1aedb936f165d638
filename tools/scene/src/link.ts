import { abortable, type DriverFactory, RegistryError, wrapDriver } from '@sd/core/driver'

/**
 * The scene's own switch between registries of this process and their backend. Cut, it looks to
 * them as if the backend were gone; the backend itself, and everybody else on it, notices nothing.
 */
export class Link {
  #down = new AbortController()

  cut(): void {
    const message = 'the scene has cut the link'
    this.#down.abort(
      new RegistryError('unavailable', { backend: 'scene', operation: 'connect', message }),
    )
  }

  heal(): void {
    this.#down = new AbortController()
  }

  /** Makes every driver of `factory` go through this link. */
  over(factory: DriverFactory): DriverFactory {
    const cutOr = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, this.#down.signal])
    return (context) =>
      wrapDriver(factory(context), {
        call: async (_name, signal, next) => {
          const either = cutOr(signal)
          return abortable(next(either), either)
        },
        observe: async function* (_scope, signal, next) {
          const either = cutOr(signal)
          either.throwIfAborted()
          yield* next(either)
        },
      })
  }
}
