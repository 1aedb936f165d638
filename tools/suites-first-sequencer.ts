import { basename, dirname, join } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** A backend's run of the whole contract suite: `packages/etcd/contract/etcd.test.ts`. */
const isSuite = (moduleId: string): boolean => {
  const folder = dirname(moduleId)
  return (
    basename(folder) === 'contract' &&
    basename(moduleId) === `${basename(join(folder, '..'))}.test.ts`
  )
}

/**
 * The other files that take more than about 30 s (in the unit project 7 s). Files that need the
 * processors alternate with files that wait, so that few of the former run at once.
 */
const longFiles: readonly string[] = [
  'packages/gateway/contract/rolling-restart.test.ts',
  'packages/zookeeper/contract/zookeeper-capacity.test.ts',
  'tools/consumer-test/contract/packed-tarballs.test.ts',
  'packages/zookeeper/contract/zookeeper-heartbeats.test.ts',
  'packages/undici/contract/churn.test.ts',
  'packages/etcd/contract/etcd-formats.test.ts',
  'examples/contract/shop.test.ts',
  'tools/peers/contract/zookeeper-interop.test.ts',
  'packages/grpc/contract/churn.test.ts',
  'packages/zookeeper/contract/zookeeper-ensemble.test.ts',
  'packages/gateway/contract/gateway-process.test.ts',
  'packages/memory/contract/memory-unreliable.test.ts',
  'packages/etcd/contract/etcd-cluster.test.ts',
  'packages/undici/contract/nodes.test.ts',
  'packages/zookeeper/contract/zookeeper-faults.test.ts',
  'packages/cli/contract/copy-and-set.test.ts',
  'packages/consul/contract/consul-formats.test.ts',
  'packages/cli/contract/register.test.ts',
  'packages/zookeeper/contract/zookeeper-formats.test.ts',
  'packages/undici/contract/rolling-restart.test.ts',
  'tools/peers/contract/etcd-interop.test.ts',
  'packages/grpc/contract/rolling-restart.test.ts',
  'packages/zookeeper/contract/client/faults.test.ts',
  'packages/cli/contract/commands.test.ts',
  'tools/peers/contract/consul-interop.test.ts',
  'tools/new-backend/test/new-backend.test.ts',
  'packages/contract-tests/test/sloppy-drivers.test.ts',
  'examples/test/documents.test.ts',
  'packages/undici/test/documents.test.ts',
]

/** Suites have rank -1, then come the long files in their order, then all others. */
const rankOf = ({ moduleId }: TestSpecification): number => {
  if (isSuite(moduleId)) return -1
  const rank = longFiles.findIndex((file) => moduleId.endsWith(`/${file}`))
  return rank < 0 ? longFiles.length : rank
}

/**
 * Starts the suites and other long files first. Vitest, which knows no durations in a fresh clone,
 * would run the last of them while the other workers have nothing left to do.
 */
export class SuitesFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of Vitest's, not an array's
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}
