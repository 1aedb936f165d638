import type { Scope } from '../driver/registry-driver.ts'
import type { ServiceInstance } from '../model/service-instance.ts'
import { InstanceView } from './instance-view.ts'
import { probeWhile } from './prober.ts'
import { ServicesView } from './services-view.ts'
import type { View, WatchContext } from './served-view.ts'
import { WatchEngine } from './watch-engine.ts'
import type { InstanceChange, ServiceChange } from './watch-event.ts'

const nameOf = (scope: Scope): string =>
  'service' in scope ? `service:${scope.service}` : 'services' in scope ? 'services' : 'all'

/** One engine for each watched scope, shared by all its readers, and one prober for all. */
export class WatchHub {
  readonly #context: WatchContext
  readonly #instances = new Map<string, WatchEngine<ServiceInstance, InstanceChange>>()
  readonly #services = new Map<string, WatchEngine<string, ServiceChange>>()
  #probing: AbortController | undefined

  constructor(context: WatchContext) {
    this.#context = context
  }

  instances(
    scope: { readonly service: string } | { readonly all: true },
  ): WatchEngine<ServiceInstance, InstanceChange> {
    const view = (): InstanceView =>
      new InstanceView((skipped) =>
        this.#context.publish(
          'record',
          'warn',
          'record-skipped',
          `record ${skipped.key} is skipped: ${skipped.reason}`,
          { ...skipped },
        ),
      )
    return this.#engine(this.#instances, scope, view)
  }

  services(): WatchEngine<string, ServiceChange> {
    return this.#engine(this.#services, { services: true }, () => new ServicesView())
  }

  engines(): readonly (
    | WatchEngine<ServiceInstance, InstanceChange>
    | WatchEngine<string, ServiceChange>
  )[] {
    return [...this.#instances.values(), ...this.#services.values()]
  }

  /** Reports a sign of trouble that concerns every watch. */
  trouble(): void {
    for (const engine of this.engines()) engine.trouble()
  }

  close(): void {
    for (const engine of this.engines()) engine.close()
  }

  #engine<T, Change>(
    engines: Map<string, WatchEngine<T, Change>>,
    scope: Scope,
    view: () => View<T, Change>,
  ): WatchEngine<T, Change> {
    const name = nameOf(scope)
    const existing = engines.get(name)
    if (existing !== undefined) return existing
    const engine = new WatchEngine<T, Change>(this.#context, {
      scope,
      view: view(),
      onUnused: () => {
        engines.delete(name)
        if (this.engines().length === 0) this.#probing?.abort()
      },
    })
    engines.set(name, engine)
    this.#probe()
    return engine
  }

  #probe(): void {
    if (this.#probing !== undefined && !this.#probing.signal.aborted) return
    this.#probing = new AbortController()
    void probeWhile(
      this.#context,
      {
        alive: (roundTripMs) => {
          this.#context.availability.reached()
          for (const engine of this.engines()) engine.alive(roundTripMs)
        },
        trouble: () => this.trouble(),
        reattach: (cause) => {
          for (const engine of this.engines()) engine.reattach(cause)
        },
      },
      this.#probing.signal,
    )
  }
}
