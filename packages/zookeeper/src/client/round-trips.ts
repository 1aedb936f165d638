import type { ZooKeeperClient } from './zookeeper-client.ts'
import { isCode } from './zookeeper-error.ts'

/** A refusal is an answer, too. */
const unlessDenied = async (answer: Promise<unknown>): Promise<void> => {
  try {
    await answer
  } catch (error) {
    if (!isCode(error, 'NO_AUTH')) throw error
  }
}

/** The cheapest round trip that there is. */
export const heartbeat = (
  client: Pick<ZooKeeperClient, 'exists'>,
  signal: AbortSignal,
): Promise<void> => unlessDenied(client.exists('/', signal))

/**
 * Resolves when the member that `client` is connected to has caught up with everything that was
 * acknowledged before the call. Every `multi` goes through the leader, also one that changes nothing
 * or fails, and the member answers it after it has applied what was committed before. This client has
 * no `sync`, and ZooKeeper's own does not promise as much (ZOOKEEPER-2136).
 */
export const barrier = (client: ZooKeeperClient, signal: AbortSignal): Promise<void> =>
  unlessDenied(client.multi([{ type: 'check', path: '/', version: -1 }], signal))
