import {
  type Discovery,
  type InstanceChange,
  type ServiceInstance,
  type Staleness,
  type Watcher,
} from '@sd/core'
import { InstancePicker } from './instance-picker.ts'
import { OptionCheck } from './options/option-check.ts'
import type { BalancerOptions } from './options/picker-options.ts'
import { pickerOptionKeys } from './options/resolve-options.ts'
import type { Pick, PickOptions } from './pick.ts'

// captured when this module loads, because test runners fake the global one
const { queueMicrotask } = globalThis

/** Picks the instance of a service that a call goes to, following the registry. */
export interface Balancer extends Disposable, AsyncDisposable {
  /** How many instances can be picked now. */
  readonly size: number
  /** Set while the registry cannot be reached. Picks then use the last known instances. */
  readonly stale: Staleness | undefined
  /**
   * The instances that picks choose from, including those that are ejected, failing or draining.
   * Drained instances (weight 0), filtered-out instances and those outside the subset are not
   * included. Each read makes a new array.
   */
  readonly instances: readonly ServiceInstance[]
  /**
   * Picks the instance for one call. Call `done` when the call ends.
   * @throws RegistryError `unavailable`, saying why none can be picked; `invalid-argument`;
   * `closed`, also once the registry was closed
   */
  pick(options?: PickOptions): Pick
  /**
   * Resolves once an instance can be picked: immediately if one already can.
   * @throws RegistryError `closed`; `signal.reason`
   */
  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** Releases the watch and stops every timer. Idempotent. */
  close(): void
}

class WatchingBalancer implements Balancer {
  readonly #watcher: Watcher
  readonly #picker: InstancePicker
  readonly #onChange: BalancerOptions['onChange']
  readonly #waiting = new Set<PromiseWithResolvers<void>>()
  #synced = false

  /** `open` is called once the options are checked. */
  constructor(open: () => Watcher, options: BalancerOptions) {
    const check = new OptionCheck('create balancer', undefined)
    check.object('', options, [...pickerOptionKeys, 'onChange'])
    const { onChange, ...pickerOptions } = options
    this.#onChange = check.function('onChange', onChange)
    this.#picker = new InstancePicker(pickerOptions, 'create balancer', () => ({
      unsynced: !this.#synced,
      stale: this.#watcher.stale,
    }))
    this.#watcher = open()
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
    return this.#picker.pick(options)
  }

  async ready(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options
    signal?.throwIfAborted()
    if (this.#picker.closed !== undefined) throw this.#picker.closed
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
        if (this.#picker.closed !== undefined) return
        if (event.type === 'stale') continue
        this.#take(event.changes)
      }
      this.#end('its watch has ended; was the registry closed?')
    } catch (error) {
      this.#end('its watch has ended', error)
    }
  }

  #take(changes: readonly InstanceChange[]): void {
    const net = this.#picker.apply(changes)
    this.#synced = true
    if (this.#picker.size > 0) for (const { resolve } of this.#waiting) resolve()
    if (net.length === 0) return
    try {
      this.#onChange?.(net)
    } catch (error) {
      // as for any listener: its error is reported as uncaught, and does not stop the balancer
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #end(message: string, cause?: unknown): void {
    if (this.#picker.closed !== undefined) return
    this.#picker.end(message, cause)
    this.#watcher.close()
    for (const { reject } of this.#waiting) reject(this.#picker.closed)
  }
}

const isWatcher = (source: Discovery | Watcher): source is Watcher => 'next' in source

const isSource = (source: unknown): boolean =>
  typeof source === 'object' && source !== null && ('next' in source || 'watch' in source)

/**
 * Follows a service and picks one of its instances for each call.
 *
 * Given a `Discovery` (a `Registry`), the balancer watches `options.service`. Given a watcher, the
 * balancer takes it over: nothing else may read it. Closing the balancer closes the watch in both
 * cases.
 * @throws RegistryError `invalid-config`, naming the option at fault; `closed`
 */
export function createBalancer(
  discovery: Discovery,
  options: BalancerOptions & { readonly service: string },
): Balancer
export function createBalancer(watcher: Watcher, options?: BalancerOptions): Balancer
export function createBalancer(
  source: Discovery | Watcher,
  options: BalancerOptions = {},
): Balancer {
  const check = new OptionCheck('create balancer', undefined)
  if (!isSource(source))
    check.refuse('the first argument', source, 'a registry, or a watcher of one service')
  const open = (): Watcher => {
    if (isWatcher(source)) return source
    return source.watch(check.text('service', options.service))
  }
  return new WatchingBalancer(open, options)
}
