import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { diag } from '@opentelemetry/api'

/** Ends what was begun. */
export type Stop = () => void

/**
 * Subscribes to the diagnostics channel `name`. What `onMessage` throws goes to OpenTelemetry's `diag`:
 * `node:diagnostics_channel` would raise it as an uncaught exception.
 */
export const listen = (name: string, onMessage: (message: never) => void): Stop => {
  const listener = (message: unknown): void => {
    try {
      onMessage(message as never)
    } catch (error) {
      diag.error(`@sd/opentelemetry: a message on ${name} was not understood`, error)
    }
  }
  subscribe(name, listener)
  return () => void unsubscribe(name, listener)
}

/** Ends all of `stops`. */
export const stopAll = (stops: readonly Stop[]): void => {
  for (const stop of stops) stop()
}

/**
 * Shares what concerns the whole process among the registries that are instrumented with one provider:
 * begun with the first, ended with the last.
 */
export class SharedByProvider {
  readonly #shares = new WeakMap<object, { users: number; readonly stop: Stop }>()

  begin(provider: object, begin: () => Stop): Stop {
    const share = this.#shares.get(provider) ?? { users: 0, stop: begin() }
    share.users += 1
    this.#shares.set(provider, share)
    return () => {
      share.users -= 1
      if (share.users > 0) return
      this.#shares.delete(provider)
      share.stop()
    }
  }
}
