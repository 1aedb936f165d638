import { basename, dirname, join } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** A backend's run of the whole contract suite: `packages/etcd/contract/etcd.test.ts`. */
const isSuite = ({ moduleId }: TestSpecification): boolean => {
  const folder = dirname(moduleId)
  return (
    basename(folder) === 'contract' &&
    basename(moduleId) === `${basename(join(folder, '..'))}.test.ts`
  )
}

/**
 * Starts the suites first. They take minutes, and Vitest, which knows no durations in a fresh clone,
 * would run the last of them while the other worker has nothing left to do.
 */
export class SuitesFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of Vitest's, not an array's
    const sorted = await super.sort(files)
    return [...sorted.filter(isSuite), ...sorted.filter((file) => !isSuite(file))]
  }
}
