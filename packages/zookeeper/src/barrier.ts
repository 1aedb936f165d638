import type { ZooKeeperClient } from './client/zookeeper-client.ts'
import { isCode } from './errors.ts'

/**
 * Resolves when the member that `client` is connected to has caught up with everything that was
 * acknowledged before the call. A `multi` goes through the leader, also one that changes nothing,
 * also one that fails, and is answered by this member after it has applied what was committed
 * before. ZooKeeper's own `sync` is not in this client, and does not promise as much (ZOOKEEPER-2136).
 */
export const barrier = async (client: ZooKeeperClient, signal: AbortSignal): Promise<void> => {
  try {
    await client.multi([{ type: 'check', path: '/', version: -1 }], signal)
  } catch (error) {
    if (!isCode(error, 'NO_AUTH')) throw error
  }
}
