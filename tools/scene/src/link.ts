import {
  abortable,
  type DriverFactory,
  type DriverSession,
  type Observation,
  type RegistryDriver,
  RegistryError,
} from '@sd/core/driver'

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
    return (context) => this.#wrap(factory(context))
  }

  async #call<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([signal, this.#down.signal])
    return abortable(work(either), either)
  }

  #wrap(driver: RegistryDriver): RegistryDriver {
    return {
      backend: driver.backend,
      capabilities: driver.capabilities,
      openSession: async (options, signal) =>
        this.#wrapSession(
          await this.#call(signal, (either) => driver.openSession(options, either)),
        ),
      list: (scope, signal) => this.#call(signal, (either) => driver.list(scope, either)),
      observe: (scope, cursor, signal) => this.#observe(driver, scope, cursor, signal),
      probe: (signal) => this.#call(signal, (either) => driver.probe(either)),
      [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
    }
  }

  async *#observe(
    driver: RegistryDriver,
    ...[scope, cursor, signal]: Parameters<RegistryDriver['observe']>
  ): AsyncGenerator<Observation, void, void> {
    const either = AbortSignal.any([signal, this.#down.signal])
    either.throwIfAborted()
    yield* driver.observe(scope, cursor, either)
  }

  #wrapSession(session: DriverSession): DriverSession {
    return {
      id: session.id,
      grantedTtlMs: session.grantedTtlMs,
      lost: session.lost,
      renew: (signal) => this.#call(signal, (either) => session.renew(either)),
      put: (requests, signal) => this.#call(signal, (either) => session.put(requests, either)),
      remove: (refs, signal) => this.#call(signal, (either) => session.remove(refs, either)),
      audit: (refs, signal) => this.#call(signal, (either) => session.audit(refs, either)),
      close: (signal) => this.#call(signal, (either) => session.close(either)),
    }
  }
}
