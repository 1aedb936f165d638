import type { ZooKeeperClient } from './client/zookeeper-client.ts'
import { isCode } from './errors.ts'

/** The cheapest round trip there is. A refusal is an answer, too. */
export const heartbeat = async (
  client: Pick<ZooKeeperClient, 'exists'>,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await client.exists('/', signal)
  } catch (error) {
    if (!isCode(error, 'NO_AUTH')) throw error
  }
}
