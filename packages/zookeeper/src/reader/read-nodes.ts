import { inParallel } from '@sd/core/driver'
import {
  maxBatchesInFlight,
  maxReadsInBatch,
  type NodeData,
  type ZooKeeperClient,
} from '../client/zookeeper-client.ts'
import { isCode } from '../client/zookeeper-error.ts'

/**
 * Reads nodes in batches, in order: the server reads a node after those before it. `undefined` where
 * there is no node.
 */
export const readNodesAt = async (
  client: Pick<ZooKeeperClient, 'multiRead'>,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<readonly (NodeData | undefined)[]> => {
  const batches = Array.from({ length: Math.ceil(paths.length / maxReadsInBatch) }, (_, index) =>
    paths
      .slice(index * maxReadsInBatch, (index + 1) * maxReadsInBatch)
      .map((path) => ({ type: 'get', path }) as const),
  )
  const read = (batch: (typeof batches)[number]): ReturnType<ZooKeeperClient['multiRead']> =>
    client.multiRead(batch, signal)
  const [only] = batches
  const outcomes =
    only !== undefined && batches.length === 1
      ? await read(only) // nearly always
      : (await inParallel(batches, maxBatchesInFlight, read)).flat()
  return outcomes.map((outcome) => {
    if (outcome.type === 'get') return outcome
    if (outcome.type === 'refused' && isCode(outcome.error, 'NO_NODE')) return undefined
    throw outcome.type === 'refused' ? outcome.error : new Error('the server answered another read')
  })
}
