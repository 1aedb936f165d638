import {
  type Discovery,
  RegistryError,
  type ServiceInstance,
  type Staleness,
  type Watcher,
} from '@sd/core'
import type { BalancerOptions } from './options/picker-options.ts'
import type { Pick, PickOptions } from './pick.ts'
import { createPicker, type Picker } from './picker.ts'

/** Picks the instance of a service that a call goes to, following the registry. */
export interface Balancer extends Disposable, AsyncDisposable {
  /** How many instances can be picked now. */
  readonly size: number
  /** Set while the registry cannot be reached: picks go on, from what was known last. */
  readonly stale: Staleness | undefined
  /**
   * The instances that picks choose from, the ejected ones too: without those that are drained,
   * filtered out, or outside the subset. Made anew on each read.
   */
  readonly instances: readonly ServiceInstance[]
  /**
   * Where one call goes; its `done` must be called when the call ends.
   * @throws RegistryError `unavailable`, saying why none can be picked; `closed`
   */
  pick(options?: PickOptions): Pick
  /**
   * Resolves once an instance can be picked: at once, when one can already.
   * @throws RegistryError `closed`; `signal.reason`
   */
  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** Releases the watch and stops every timer. Idempotent. */
  close(): void
}

class WatchingBalancer implements Balancer {
  readonly #watcher: Watcher
  readonly #picker: Picker
  readonly #onChange: BalancerOptions['onChange']
  readonly #waiting = new Set<PromiseWithResolvers<void>>()
  #closed: RegistryError | undefined

  constructor(watcher: Watcher, options: BalancerOptions) {
    this.#watcher = watcher
    this.#onChange = options.onChange
    this.#picker = createPicker(options)
    void this.#follow()
  }

  get size(): number {
    return this.#picker.size
  }
  get stale(): Staleness | undefined {
    return this.#watcher.stale
  }
  get instances(): readonly ServiceInstance[] {
    return this.#picker.instances
  }

  pick(options?: PickOptions): Pick {
    if (this.#closed !== undefined) throw this.#closed
    return this.#picker.pick(options)
  }

  async ready(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options
    signal?.throwIfAborted()
    if (this.#closed !== undefined) throw this.#closed
    if (this.#picker.size > 0) return
    const waiter = Promise.withResolvers<void>()
    const abort = (): void => waiter.reject(signal?.reason as Error)
    signal?.addEventListener('abort', abort, { once: true })
    this.#waiting.add(waiter)
    try {
      await waiter.promise
    } finally {
      this.#waiting.delete(waiter)
      signal?.removeEventListener('abort', abort)
    }
  }

  close(): void {
    this.#end('the balancer was closed')
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  async #follow(): Promise<void> {
    try {
      for await (const event of this.#watcher) {
        if (event.type === 'stale') continue
        const changes = this.#picker.apply(event.changes)
        if (changes.length > 0) this.#onChange?.(changes)
        if (this.#picker.size > 0) for (const { resolve } of this.#waiting) resolve()
      }
      this.#end('its watch has ended: the registry was closed')
    } catch (error) {
      this.#end('its watch has ended', error)
    }
  }

  #end(message: string, cause?: unknown): void {
    if (this.#closed !== undefined) return
    this.#closed = new RegistryError('closed', {
      backend: 'balancer',
      operation: 'pick',
      message,
      cause,
    })
    this.#watcher.close()
    this.#picker.close()
    for (const { reject } of this.#waiting) reject(this.#closed)
  }
}

/**
 * Follows a service and picks one of its instances for each call.
 *
 * From a `Discovery` (a `Registry`) it opens a watch of `options.service`, and closes it with the
 * balancer. From a watcher it takes the watcher over: nobody else may read it, and it is closed
 * with the balancer as well.
 * @throws RegistryError `invalid-config`, naming the option at fault; `closed`
 */
export function createBalancer(
  discovery: Discovery,
  options: BalancerOptions & { readonly service: string },
): Balancer
export function createBalancer(watcher: Watcher, options?: BalancerOptions): Balancer
export function createBalancer(
  source: Discovery | Watcher,
  options: BalancerOptions & { readonly service?: string } = {},
): Balancer {
  if ('next' in source) return new WatchingBalancer(source, options)
  const { service = '', ...rest } = options
  return new WatchingBalancer(source.watch(service), rest)
}
