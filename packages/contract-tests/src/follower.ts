import type { InstanceChange, ServiceInstance, WatchEvent, Watcher } from '@sd/core'
import { eventually } from './eventually.ts'

/**
 * Reads a watcher to its end, and checks every event against the earlier ones (W1, W2): only
 * `stale` precedes the first `sync`; nothing is added twice, removed or updated without being added, or updated from a
 * value that was never reported.
 */
export class Follower {
  readonly watcher: Watcher
  /** All events, in order. */
  readonly events: WatchEvent<InstanceChange>[] = []
  /** The resulting view, by id. */
  readonly view: Map<string, ServiceInstance> = new Map()
  /** How often an id was added. */
  readonly added: Map<string, number> = new Map()
  /** How often an id was removed. */
  readonly removed: Map<string, number> = new Map()
  readonly #contradictions: string[] = []
  readonly #done: Promise<void>
  #synced = false
  #ended = false
  #failure: unknown

  constructor(watcher: Watcher) {
    this.watcher = watcher
    this.#done = this.#read()
  }

  /** Whether the watcher has ended. */
  get ended(): boolean {
    return this.#ended
  }
  /** The changes of all events, in order. */
  get changes(): readonly InstanceChange[] {
    return this.events.flatMap((event) => (event.type === 'stale' ? [] : event.changes))
  }
  /** The ids of the view, sorted. */
  get ids(): readonly string[] {
    return [...this.view.keys()].toSorted()
  }

  /** Throws if the watcher failed or contradicted itself. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error
    if (this.#contradictions.length > 0) throw new Error(this.#contradictions.join('; '))
  }

  /** Waits until the view satisfies `holds`; throws past the deadline. */
  async until(what: string, deadlineMs: number, holds: (told: this) => boolean): Promise<void> {
    await eventually(
      what,
      deadlineMs,
      () => {
        this.check()
        return this.#synced && holds(this)
      },
      () => ({
        size: this.view.size,
        ids: this.ids.slice(0, 20),
        held: this.watcher.held.length,
        stale: this.watcher.stale?.cause.message,
      }),
    )
  }

  /** Waits until the view has exactly these ids; throws past the deadline. */
  async sees(ids: readonly string[], deadlineMs: number): Promise<void> {
    const wanted = ids.toSorted().join()
    const what = `the watcher sees ${ids.slice(0, 20).join()}`
    await this.until(what, deadlineMs, () => this.ids.join() === wanted)
  }

  /** Closes the watcher, reads the remaining events, and checks them all. */
  async close(): Promise<void> {
    this.watcher.close()
    await this.#done
    this.check()
  }

  async #read(): Promise<void> {
    try {
      for await (const event of this.watcher) this.#take(event)
    } catch (error) {
      this.#failure = error
    }
    this.#ended = true
  }

  #take(event: WatchEvent<InstanceChange>): void {
    this.events.push(event)
    if (event.type === 'stale') return
    if (event.type === 'change' && !this.#synced)
      this.#contradictions.push('a change before the first sync')
    this.#synced = true
    if (event.type === 'change' && event.changes.length === 0)
      this.#contradictions.push('an empty change')
    for (const change of event.changes) this.#follow(change)
  }

  #follow(change: InstanceChange): void {
    const { id } = change.instance
    const known = this.view.get(id)
    if ((change.type === 'added') !== (known === undefined))
      this.#contradictions.push(
        `${id} is ${change.type}, although the view ${known ? 'contains' : 'does not contain'} it`,
      )
    if (change.type === 'updated' && JSON.stringify(change.previous) !== JSON.stringify(known))
      this.#contradictions.push(`${id} is updated from a value that was never delivered`)
    if (change.type === 'removed') this.view.delete(id)
    else this.view.set(id, change.instance)
    const counts = change.type === 'updated' ? undefined : this[change.type]
    counts?.set(id, (counts.get(id) ?? 0) + 1)
  }
}
