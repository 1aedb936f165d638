import type {
  NodeChildren,
  NodeData,
  NodeListener,
  NodeStat,
  ZooKeeperClient,
} from '../client/zookeeper-client.ts'

/** The reads that can set a watch. */
export type Reads = Pick<ZooKeeperClient, 'get' | 'exists' | 'children'>

type Read<T> = (listener: NodeListener | undefined) => Promise<T>

interface Armed {
  readonly callbacks: Set<() => void>
  /** Until its read has succeeded, nobody may rely on it. */
  confirmed: boolean
}

/**
 * The one-shot watches of one connection, at most one on the server for each node and kind of read:
 * who looks again at a node that is being watched shares that watch. ZooKeeper could not take one
 * back over this client, so without this every observation that is left would leave its own behind.
 */
export class Watches {
  readonly #reads: Reads
  readonly #armed = new Map<string, Armed>()

  constructor(reads: Reads) {
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
    const shared = this.#armed.get(key)
    if (shared?.confirmed) {
      shared.callbacks.add(callback)
      return read(undefined)
    }
    const armed = shared ?? { callbacks: new Set(), confirmed: false }
    armed.callbacks.add(callback)
    this.#armed.set(key, armed)
    try {
      const result = await read(() => this.#fire(key))
      armed.confirmed = true
      return result
    } catch (error) {
      this.forget(key, callback)
      throw error
    }
  }

  /** The watch itself stays until it fires; nobody is told then. */
  forget(key: string, callback: () => void): void {
    const armed = this.#armed.get(key)
    armed?.callbacks.delete(callback)
    if (armed?.callbacks.size === 0 && !armed.confirmed) this.#armed.delete(key)
  }

  #fire(key: string): void {
    const armed = this.#armed.get(key)
    this.#armed.delete(key)
    for (const callback of armed?.callbacks ?? []) callback()
  }
}

/** The watches of one observation; all of them end with it. */
export class Subscription implements Disposable {
  readonly #watches: Watches
  readonly #reads: Reads
  readonly #signal: AbortSignal
  readonly #taken = new Map<string, () => void>()

  constructor(watches: Watches, reads: Reads, signal: AbortSignal) {
    this.#watches = watches
    this.#reads = reads
    this.#signal = signal
  }

  /** `changed` is called once, when the node is changed or deleted. Sets nothing where there is no node. */
  get(path: string, changed: () => void): Promise<NodeData> {
    return this.#watched('get', path, changed, (listener) =>
      this.#reads.get(path, this.#signal, listener),
    )
  }

  /** `changed` is called once, when the node is created, changed or deleted. */
  exists(path: string, changed: () => void): Promise<NodeStat | undefined> {
    return this.#watched('exists', path, changed, (listener) =>
      this.#reads.exists(path, this.#signal, listener),
    )
  }

  /** `changed` is called once, when a child comes or goes. Sets nothing where there is no node. */
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
    // one callback for each node, so that looking twice does not tell twice
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
