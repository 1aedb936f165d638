import type { InstanceChange, ServiceInstance, WatchEvent, Watcher } from '@sd/core'
import { eventually } from './eventually.ts'

/**
 * Reads a watcher to its end and checks every event against what was told before (W1, W2): the
 * first is a `sync`; nothing is added twice, removed or updated unseen, or updated from something else.
 */
export class Follower {
  readonly events: WatchEvent<InstanceChange>[] = []
  readonly view: Map<string, ServiceInstance> = new Map()
  /** Ids that were ever told as removed. */
  readonly removed: string[] = []
  readonly #watcher: Watcher
  readonly #problems: string[] = []
  readonly #done: Promise<void>
  #ended = false
  #failure: unknown

  constructor(watcher: Watcher) {
    this.#watcher = watcher
    this.#done = this.#read()
  }

  get ended(): boolean {
    return this.#ended
  }
  get watcher(): Watcher {
    return this.#watcher
  }
  get changes(): readonly InstanceChange[] {
    return this.events.flatMap((event) => (event.type === 'stale' ? [] : event.changes))
  }
  get ids(): readonly string[] {
    return [...this.view.keys()].toSorted()
  }

  /** Throws if any event contradicted what was told before, or if the watcher failed. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error
    if (this.#problems.length > 0) throw new Error(this.#problems.join('; '))
  }

  /** Waits until the told view has exactly these ids. */
  async sees(ids: readonly string[], deadlineMs: number): Promise<void> {
    const wanted = JSON.stringify(ids.toSorted())
    await eventually(
      `the watcher sees ${wanted}`,
      deadlineMs,
      () => {
        this.check()
        return this.events.length > 0 && JSON.stringify(this.ids) === wanted
      },
      () => ({ ids: this.ids, stale: this.#watcher.stale?.cause.message }),
    )
  }

  async close(): Promise<void> {
    this.#watcher.close()
    await this.#done
  }

  async #read(): Promise<void> {
    try {
      for await (const event of this.#watcher) this.#apply(event)
    } catch (error) {
      this.#failure = error
    }
    this.#ended = true
  }

  #apply(event: WatchEvent<InstanceChange>): void {
    if (this.events.length === 0 && event.type !== 'sync')
      this.#problems.push(`the first event is ${event.type}`)
    this.events.push(event)
    if (event.type === 'stale') return
    if (event.type === 'change' && event.changes.length === 0) this.#problems.push('empty change')
    for (const change of event.changes) {
      const { id } = change.instance
      const known = this.view.get(id)
      if (change.type === 'added' ? known !== undefined : known === undefined)
        this.#problems.push(`${id} is ${change.type} while ${known ? '' : 'not '}known`)
      if (change.type === 'updated' && JSON.stringify(change.previous) !== JSON.stringify(known))
        this.#problems.push(`${id} is updated from something that was never told`)
      if (change.type === 'removed') {
        this.removed.push(id)
        this.view.delete(id)
      } else this.view.set(id, change.instance)
    }
  }
}
