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

/** The cheapest round trip. */
export const heartbeat = (
  client: Pick<ZooKeeperClient, 'exists'>,
  signal: AbortSignal,
): Promise<void> => unlessDenied(client.exists('/', signal))

/**
 * Resolves when the member that `client` is connected to has applied every write that was
 * acknowledged before the call. Every `multi` goes through the leader, even if it changes nothing or
 * fails, and the member answers it after it has applied all earlier commits. `sync` guarantees less:
 * a leader answers it without asking its followers (ZOOKEEPER-2136).
 */
export const barrier = (client: ZooKeeperClient, signal: AbortSignal): Promise<void> =>
  unlessDenied(client.multi([{ type: 'check', path: '/', version: -1 }], signal))
