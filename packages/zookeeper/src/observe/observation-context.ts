import type { Keys } from '../keys.ts'
import type { Reads, Subscription } from '../reader/watches.ts'
import { ifThere } from '../reader/read-scope.ts'
import type { TreeSubscription } from '../reader/tree-watches.ts'

/** State that the parts of one observation share. */
export interface ObservationContext {
  readonly keys: Keys
  readonly reads: Reads
  readonly subscription: Subscription
  readonly trees: TreeSubscription
  readonly signal: AbortSignal
}

/**
 * Returns the names of a node's children; none if there is no node. Calls `changed` once, when the
 * list changes or the node is created.
 */
export const watchChildren = async (
  { subscription }: ObservationContext,
  path: string,
  changed: () => void,
): Promise<readonly string[]> => {
  for (;;) {
    const found = await ifThere(subscription.children(path, changed))
    if (found) return found.names
    if ((await subscription.exists(path, changed)) === undefined) return []
  }
}
