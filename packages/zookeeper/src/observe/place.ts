import type { Keys } from '../keys.ts'
import type { Reads, Subscription } from '../reader/watches.ts'
import { ifThere } from '../zookeeper-read.ts'

/** What an observation looks at, and how. */
export interface Place {
  readonly keys: Keys
  readonly reads: Reads
  readonly subscription: Subscription
  readonly signal: AbortSignal
}

/**
 * The names of a node's children, none where there is no node. `changed` is called once, when that
 * is not so any more, also when the node is created.
 */
export const watchChildren = async (
  { subscription }: Place,
  path: string,
  changed: () => void,
): Promise<readonly string[]> => {
  for (;;) {
    const found = await ifThere(subscription.children(path, changed))
    if (found) return found.names
    if ((await subscription.exists(path, changed)) === undefined) return []
  }
}
