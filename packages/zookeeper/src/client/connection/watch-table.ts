import type { WatchEvent } from '../codec/replies.ts'
import type { NodeEvent, NodeListener, TreeListener } from '../zookeeper-client.ts'

/** ZooKeeper's event types, and the kinds of one-shot watch that each of them ends. */
const events: ReadonlyMap<
  number,
  { event: Exclude<NodeEvent, 'lost'>; ends: readonly WatchKind[] }
> = new Map([
  [1, { event: 'created', ends: ['data'] }],
  [2, { event: 'deleted', ends: ['data', 'children'] }],
  [3, { event: 'changed', ends: ['data'] }],
  [4, { event: 'children', ends: ['children'] }],
])

/** The server keeps one watch for a node's data or existence, and one for its children. */
export type WatchKind = 'data' | 'children'

/** The node above; `undefined` for the root. */
const parentOf = (path: string): string | undefined =>
  path === '/' ? undefined : path.slice(0, Math.max(1, path.lastIndexOf('/')))

/**
 * The watches of one connection; none outlives it. To set all of them again a client would need one
 * packet or more for each 16,000, and a persistent watch does not report the events that it missed:
 * whoever watches has to read again.
 */
export class WatchTable {
  readonly #tables: Readonly<Record<WatchKind, Map<string, Set<NodeListener>>>> = {
    data: new Map(),
    children: new Map(),
  }
  readonly #trees = new Map<string, TreeListener>()
  readonly #call: (listener: () => void) => void

  /** `call` calls a listener and catches what it throws. */
  constructor(call: (listener: () => void) => void) {
    this.#call = call
  }

  get size(): number {
    return this.#tables.data.size + this.#tables.children.size + this.#trees.size
  }

  add(kind: WatchKind, path: string, listener: NodeListener): void {
    const table = this.#tables[kind]
    const listeners = table.get(path)
    if (listeners) listeners.add(listener)
    else table.set(path, new Set([listener]))
  }

  /** Watches the node at `path` and all below it, until it is removed or lost. */
  addTree(path: string, listener: TreeListener): void {
    this.#trees.set(path, listener)
  }

  /** Removes all watches on the node itself. */
  remove(path: string): void {
    for (const table of Object.values(this.#tables)) table.delete(path)
    this.#trees.delete(path)
  }

  /**
   * Handles an event of the server, which sends one for a change, whatever watches it. Calls each
   * listener once, even if it has several watches.
   */
  fire({ type, path }: WatchEvent): void {
    const found = events.get(type)
    if (!found) return
    const { event, ends } = found
    const fired = new Set<NodeListener>()
    for (const kind of ends) {
      for (const listener of this.#tables[kind].get(path) ?? []) fired.add(listener)
      this.#tables[kind].delete(path)
    }
    for (const listener of fired) this.#call(() => listener(event))
    if (event === 'children' || this.#trees.size === 0) return
    for (let at: string | undefined = path; at !== undefined; at = parentOf(at)) {
      const listener = this.#trees.get(at)
      if (listener) this.#call(() => listener({ type: event, path }))
    }
  }

  /** The connection was lost: every listener is called with `lost` and removed. */
  lose(): void {
    const lost = new Set<NodeListener>()
    for (const table of Object.values(this.#tables)) {
      for (const listeners of table.values()) for (const listener of listeners) lost.add(listener)
      table.clear()
    }
    const trees = [...this.#trees.values()]
    this.#trees.clear()
    for (const listener of lost) this.#call(() => listener('lost'))
    for (const listener of trees) this.#call(() => listener({ type: 'lost' }))
  }
}
