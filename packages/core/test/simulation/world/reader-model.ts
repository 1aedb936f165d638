import { sameInstance, type ServiceInstance } from '../../../src/model/service-instance.ts'
import type { InstanceChange, ServiceChange, WatchEvent } from '../../../src/watch/watch-event.ts'
import type { BaseWatcher } from '../../../src/watcher.ts'
import type { Journal } from './journal.ts'
import type { Ledger } from './ledger.ts'

/** One entry of a view, as text. */
const show = (value: ServiceInstance | string): string =>
  typeof value === 'string'
    ? value
    : `${value.service}/${value.id} handle ${value.metadata['handle']} weight ${value.weight}`

/** A view as sorted text, for comparison. */
export const showView = (values: Iterable<ServiceInstance | string>): string =>
  [...values].map(show).toSorted().join(', ')

/** Follows one watcher and checks every event against the earlier ones of that reader. */
export class ReaderModel {
  readonly name: string
  readonly watcher: BaseWatcher<InstanceChange | ServiceChange>
  readonly #journal: Journal
  readonly #ledger: Ledger
  readonly #told = new Map<string, ServiceInstance | string>()
  #synced = false
  #stale = false
  removals = 0
  /** The handles whose instances it was told to be removed. */
  readonly removedHandles: number[] = []
  /** The most that it was ever told of at a time. */
  largest = 0
  /** Set when the reading has ended: by `close`, or with an error. */
  ended: string | undefined

  constructor(
    name: string,
    watcher: BaseWatcher<InstanceChange | ServiceChange>,
    journal: Journal,
    ledger: Ledger,
  ) {
    this.name = name
    this.watcher = watcher
    this.#journal = journal
    this.#ledger = ledger
  }

  get synced(): boolean {
    return this.#synced
  }
  get stale(): boolean {
    return this.#stale
  }
  get told(): string {
    return showView(this.#told.values())
  }

  /** Reads until the watcher ends, with `pause` after each event. */
  async read(pause: () => Promise<void>): Promise<void> {
    try {
      for (;;) {
        const event = await this.watcher.next()
        if (event === undefined) break
        this.#take(event)
        await pause()
      }
      this.ended = 'closed'
    } catch (error) {
      this.ended = String(error)
    }
  }

  #take(event: WatchEvent<InstanceChange | ServiceChange>): void {
    this.#journal.note(
      () =>
        `    ${this.name} receives ${event.type}${'changes' in event ? `: ${event.changes.map((c) => `${c.type} ${show('service' in c ? c.service : c.instance)}`).join('; ')}` : ''}`,
    )
    if (event.type === 'stale') {
      if (this.#stale) this.#wrong('stale twice')
      this.#stale = true
      return
    }
    const first = !this.#synced
    if (event.type === 'change' && first) this.#wrong('a change before its first sync (W1)')
    if (event.type === 'sync') {
      if (!first && !this.#stale) this.#wrong('sync without having been stale')
      this.#synced = true
      this.#stale = false
    } else if (event.changes.length === 0) this.#wrong('a change without changes')
    for (const change of event.changes) {
      if (first && change.type !== 'added') this.#wrong(`${change.type} in its first sync`)
      if ('service' in change) this.#takeName(change)
      else this.#takeInstance(change)
    }
  }

  #takeName({ type, service }: ServiceChange): void {
    const known = this.#told.has(service)
    if (type === 'added') {
      if (known) this.#wrong(`added twice: ${service} (W2)`)
      this.#told.set(service, service)
      return
    }
    this.removals += 1
    if (!known) this.#wrong(`removed, but never added: ${service} (W2)`)
    if (!this.#ledger.everLeft(service))
      this.#wrong(`removed, but stored throughout: ${service} (W2)`)
    this.#told.delete(service)
  }

  #takeInstance(change: InstanceChange): void {
    const { type, instance } = change
    const key = `${instance.service}/${instance.id}`
    const before = this.#told.get(key)
    const known = typeof before === 'object' ? before : undefined
    if (type === 'removed') {
      this.removals += 1
      this.removedHandles.push(Number(instance.metadata['handle']))
      if (known === undefined) this.#wrong(`removed, but never added: ${key} (W2)`)
      else if (!sameInstance(known, instance))
        this.#wrong(`removed with another value: ${key} (W2)`)
      if (!this.#ledger.everLeft(key)) this.#wrong(`removed, but stored throughout: ${key} (W2)`)
      this.#told.delete(key)
      return
    }
    if (!this.#ledger.everStood(instance))
      this.#wrong(`delivered, but never stored: ${show(instance)}`)
    if (type === 'added' && known !== undefined) this.#wrong(`added twice: ${key} (W2)`)
    if (type === 'updated') {
      if (known === undefined) this.#wrong(`updated, but never added: ${key} (W2)`)
      else if (!sameInstance(known, change.previous)) this.#wrong(`wrong previous of ${key} (W2)`)
      if (known !== undefined && sameInstance(known, instance))
        this.#wrong(`updated without a difference: ${key} (W2)`)
    }
    this.#told.set(key, instance)
    this.largest = Math.max(this.largest, this.#told.size)
  }

  #wrong(text: string): void {
    this.#journal.violation(`${this.name}: ${text}`)
  }
}
