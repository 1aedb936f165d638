import type { LibraryWatchEvent } from '../library.ts'
import type { NodeEvent, NodeListener } from '../zookeeper-client.ts'

/** ZooKeeper's event types, and the kinds of watch that each of them ends. */
const events: ReadonlyMap<number, { event: NodeEvent; ends: readonly WatchKind[] }> = new Map([
  [1, { event: 'created', ends: ['data'] }],
  [2, { event: 'deleted', ends: ['data', 'children'] }],
  [3, { event: 'changed', ends: ['data'] }],
  [4, { event: 'children', ends: ['children'] }],
])

/** The server keeps one watch for a node's data or existence, and one for its children. */
export type WatchKind = 'data' | 'children'

/**
 * The watches of one connection, instead of the library's. The library sets all watches again in one
 * packet after each reconnect. A packet of more than some 16,000 exceeds a server's limit, and the
 * server drops the connection every time. Here no watch outlives its connection.
 */
export class WatchTable {
  readonly #tables: Readonly<Record<WatchKind, Map<string, Set<NodeListener>>>> = {
    data: new Map(),
    children: new Map(),
  }
  readonly #call: (listener: NodeListener, event: NodeEvent) => void

  /** `call` calls a listener and catches what it throws. */
  constructor(call: (listener: NodeListener, event: NodeEvent) => void) {
    this.#call = call
  }

  get size(): number {
    return this.#tables.data.size + this.#tables.children.size
  }

  add(kind: WatchKind, path: string, listener: NodeListener): void {
    const table = this.#tables[kind]
    const listeners = table.get(path)
    if (listeners) listeners.add(listener)
    else table.set(path, new Set([listener]))
  }

  /** Handles an event of the server. Calls each listener once, even if it has several watches. */
  fire({ type, path }: LibraryWatchEvent): void {
    const found = events.get(type)
    if (!found) return
    const fired = new Set<NodeListener>()
    for (const kind of found.ends) {
      for (const listener of this.#tables[kind].get(path) ?? []) fired.add(listener)
      this.#tables[kind].delete(path)
    }
    for (const listener of fired) this.#call(listener, found.event)
  }

  /** The connection was lost: every listener is called with `lost` and removed. */
  lose(): void {
    const lost = new Set<NodeListener>()
    for (const table of Object.values(this.#tables)) {
      for (const listeners of table.values()) for (const listener of listeners) lost.add(listener)
      table.clear()
    }
    for (const listener of lost) this.#call(listener, 'lost')
  }
}
