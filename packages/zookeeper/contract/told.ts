import type { InstanceChange, ServiceInstance, WatchEvent, Watcher } from '@sd/core'
import { eventually } from '@sd/contract-tests'

/**
 * All that a watcher told. Every event is checked against those before it (W1, W2): nothing is
 * added twice, removed or updated unseen, or updated from what was never told.
 */
export class Told {
  readonly watcher: Watcher
  readonly view: Map<string, ServiceInstance> = new Map()
  readonly events: WatchEvent<InstanceChange>[] = []
  /** How often an id was told as added or removed. */
  readonly added: Map<string, number> = new Map()
  readonly removed: Map<string, number> = new Map()
  readonly #contradictions: string[] = []
  readonly #ended: Promise<void>
  #failure: unknown

  constructor(watcher: Watcher) {
    this.watcher = watcher
    this.#ended = this.#read()
  }

  get ids(): readonly string[] {
    return [...this.view.keys()].toSorted()
  }
  /** What ended it, when it ended with an error. */
  get failure(): unknown {
    return this.#failure
  }

  /** Throws if the watcher failed or contradicted itself. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error
    if (this.#contradictions.length > 0) throw new Error(this.#contradictions.join('; '))
  }

  /** Waits until what was told adds up to what `holds` wants. */
  async until(what: string, deadlineMs: number, holds: (told: this) => boolean): Promise<void> {
    await eventually(
      what,
      deadlineMs,
      () => {
        this.check()
        return this.events.length > 0 && holds(this)
      },
      () => ({
        size: this.view.size,
        ids: this.ids.slice(0, 20),
        held: this.watcher.held.length,
        stale: this.watcher.stale?.cause.message,
      }),
    )
  }

  async sees(ids: readonly string[], deadlineMs: number): Promise<void> {
    const wanted = ids.toSorted().join()
    const what = `the watcher sees ${ids.slice(0, 20).join()}`
    await this.until(what, deadlineMs, () => this.ids.join() === wanted)
  }

  /** Ends the reading, and checks it all. */
  async close(): Promise<void> {
    this.watcher.close()
    await this.#ended
    this.check()
  }

  async #read(): Promise<void> {
    try {
      for await (const event of this.watcher) this.#take(event)
    } catch (error) {
      this.#failure = error
    }
  }

  #take(event: WatchEvent<InstanceChange>): void {
    if (this.events.length === 0 && event.type !== 'sync')
      this.#contradictions.push(`the first event is ${event.type}`)
    this.events.push(event)
    if (event.type === 'stale') return
    if (event.type === 'change' && event.changes.length === 0)
      this.#contradictions.push('an empty change')
    for (const change of event.changes) this.#follow(change)
  }

  #follow(change: InstanceChange): void {
    const { id } = change.instance
    const known = this.view.get(id)
    if ((change.type === 'added') !== (known === undefined))
      this.#contradictions.push(`${id} is ${change.type}, ${known ? 'known' : 'unknown'} as it is`)
    if (change.type === 'updated' && JSON.stringify(change.previous) !== JSON.stringify(known))
      this.#contradictions.push(`${id} is updated from what was never told`)
    if (change.type === 'removed') this.view.delete(id)
    else this.view.set(id, change.instance)
    const counts = change.type === 'updated' ? undefined : this[change.type]
    counts?.set(id, (counts.get(id) ?? 0) + 1)
  }
}
