import type {
  NodeChildren,
  NodeData,
  NodeListener,
  NodeStat,
  ZooKeeperClient,
} from '../client/zookeeper-client.ts'

/** The reads that can set a watch. */
export type WatchingReads = Pick<ZooKeeperClient, 'get' | 'exists' | 'children'>

/** All reads of an observation. */
export type Reads = WatchingReads & Pick<ZooKeeperClient, 'multiRead'>

type Read<T> = (listener: NodeListener | undefined) => Promise<T>

interface SharedWatch {
  readonly callbacks: Set<() => void>
  /** False until the read that set it has succeeded: other reads must not rely on it before. */
  confirmed: boolean
}

/**
 * The one-shot watches of one connection, at most one on the server for each node and kind of read:
 * another read of a watched node shares its watch. A one-shot watch whose observation has ended stays on
 * the server until it fires, so without sharing every observation would leave its own behind.
 */
export class Watches {
  readonly #reads: WatchingReads
  readonly #shared = new Map<string, SharedWatch>()

  constructor(reads: WatchingReads) {
    this.#reads = reads
  }

  subscribe(signal: AbortSignal): Subscription {
    return new Subscription(this, this.#reads, signal)
  }

  /**
   * A read that sets a watch. Events come before the answers of later reads, so a watch that has
   * not fired when a read is answered covers what was read.
   */
  async watched<T>(key: string, callback: () => void, read: Read<T>): Promise<T> {
    const known = this.#shared.get(key)
    if (known?.confirmed) {
      known.callbacks.add(callback)
      return read(undefined)
    }
    const watch = known ?? { callbacks: new Set(), confirmed: false }
    watch.callbacks.add(callback)
    this.#shared.set(key, watch)
    try {
      const result = await read(() => this.#fire(key))
      watch.confirmed = true
      return result
    } catch (error) {
      this.forget(key, callback)
      throw error
    }
  }

  /** Stops the callback. The watch itself stays on the server until it fires. */
  forget(key: string, callback: () => void): void {
    const watch = this.#shared.get(key)
    watch?.callbacks.delete(callback)
    if (watch?.callbacks.size === 0 && !watch.confirmed) this.#shared.delete(key)
  }

  #fire(key: string): void {
    const watch = this.#shared.get(key)
    this.#shared.delete(key)
    for (const callback of watch?.callbacks ?? []) callback()
  }
}

/** The watches of one observation; all of them end with it. */
export class Subscription implements Disposable {
  readonly #watches: Watches
  readonly #reads: WatchingReads
  readonly #signal: AbortSignal
  readonly #taken = new Map<string, () => void>()

  constructor(watches: Watches, reads: WatchingReads, signal: AbortSignal) {
    this.#watches = watches
    this.#reads = reads
    this.#signal = signal
  }

  /** Calls `changed` once, when the node is changed or deleted. Sets no watch if there is no node. */
  get(path: string, changed: () => void): Promise<NodeData> {
    return this.#watched('get', path, changed, (listener) =>
      this.#reads.get(path, this.#signal, listener),
    )
  }

  /** Calls `changed` once, when the node is created, changed or deleted. */
  exists(path: string, changed: () => void): Promise<NodeStat | undefined> {
    return this.#watched('exists', path, changed, (listener) =>
      this.#reads.exists(path, this.#signal, listener),
    )
  }

  /** Calls `changed` once, when a child is added or removed. Sets no watch if there is no node. */
  children(path: string, changed: () => void): Promise<NodeChildren> {
    return this.#watched('children', path, changed, (listener) =>
      this.#reads.children(path, this.#signal, listener),
    )
  }

  [Symbol.dispose](): void {
    for (const [key, callback] of this.#taken) this.#watches.forget(key, callback)
    this.#taken.clear()
  }

  async #watched<T>(kind: string, path: string, changed: () => void, read: Read<T>): Promise<T> {
    const key = `${kind} ${path}`
    // one callback for each node, so that two reads do not call back twice
    const before = this.#taken.get(key)
    if (before) this.#watches.forget(key, before)
    const callback = (): void => {
      this.#taken.delete(key)
      changed()
    }
    this.#taken.set(key, callback)
    try {
      return await this.#watches.watched(key, callback, read)
    } catch (error) {
      this.#taken.delete(key)
      throw error
    }
  }
}
