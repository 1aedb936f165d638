import { abortable } from '@sd/core/driver'
import type { TreeEvent, ZooKeeperClient } from '../client/zookeeper-client.ts'

/** The calls that set and remove a persistent recursive watch. */
export type TreeCalls = Pick<ZooKeeperClient, 'addWatch' | 'removeWatches'>

/** A created, changed or deleted node. */
export type NodeChange = Exclude<TreeEvent, { type: 'lost' }>

interface Tree {
  readonly followers: Set<(change: NodeChange) => void>
  readonly set: Promise<void>
}

/**
 * The persistent recursive watches of one connection, at most one on each node. All observations share
 * it, and the last one that leaves removes it from the server.
 */
export class TreeWatches {
  readonly #calls: TreeCalls
  readonly #lost: AbortSignal
  readonly #trees = new Map<string, Tree>()

  /** `lost` aborts when the connection has ended, and all watches with it. */
  constructor(calls: TreeCalls, lost: AbortSignal) {
    this.#calls = calls
    this.#lost = lost
  }

  /** The number of nodes that are watched. */
  get size(): number {
    return this.#trees.size
  }

  subscribe(signal: AbortSignal): TreeSubscription {
    return new TreeSubscription(this, signal)
  }

  /**
   * Calls `changed` for each change of the node at `path` and of all nodes below it. Resolves when a
   * read that follows shows every earlier change, with a function that stops it.
   */
  async follow(
    path: string,
    changed: (change: NodeChange) => void,
    signal: AbortSignal,
  ): Promise<() => void> {
    const tree = this.#trees.get(path) ?? this.#watch(path)
    // the same function may follow a node twice
    const follower = (change: NodeChange): void => changed(change)
    tree.followers.add(follower)
    const leave = (): void => this.#leave(path, tree, follower)
    try {
      await abortable(tree.set, signal)
    } catch (error) {
      leave()
      throw error
    }
    return leave
  }

  #watch(path: string): Tree {
    const followers: Tree['followers'] = new Set()
    const told = (event: TreeEvent): void => {
      // an observation ends with its connection
      if (event.type !== 'lost') for (const follower of [...followers]) follower(event)
    }
    const tree = { followers, set: this.#calls.addWatch(path, told, this.#lost) }
    this.#trees.set(path, tree)
    return tree
  }

  #leave(path: string, tree: Tree, follower: (change: NodeChange) => void): void {
    tree.followers.delete(follower)
    if (tree.followers.size > 0 || this.#trees.get(path) !== tree) return
    this.#trees.delete(path)
    // one that was not set, or whose connection has ended, needs no removal
    this.#calls.removeWatches(path, this.#lost).catch(() => {})
  }
}

/** The trees that one observation follows; all of them end with it. */
export class TreeSubscription implements Disposable {
  readonly #watches: TreeWatches
  readonly #signal: AbortSignal
  readonly #followed = new Map<string, () => void>()

  constructor(watches: TreeWatches, signal: AbortSignal) {
    this.#watches = watches
    this.#signal = signal
  }

  /** Follows a node and all below it, unless it does already; see {@link TreeWatches.follow}. */
  async follow(path: string, changed: (change: NodeChange) => void): Promise<void> {
    if (this.#followed.has(path)) return
    this.#followed.set(path, await this.#watches.follow(path, changed, this.#signal))
  }

  unfollow(path: string): void {
    this.#followed.get(path)?.()
    this.#followed.delete(path)
  }

  [Symbol.dispose](): void {
    for (const leave of this.#followed.values()) leave()
    this.#followed.clear()
  }
}
