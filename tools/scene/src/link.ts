import { abortable, type DriverFactory, RegistryError, wrapDriver } from '@sd/core/driver'

/**
 * A switch between the registries of this process and their backend. When it is cut, the backend
 * seems to be gone; the backend itself and its other clients are not affected.
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

  /** Routes every driver of `factory` through this link. */
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
