import type { InstanceInput } from '@sd/core'
import type { BlockableOwner } from './contract-harness.ts'
import { forkScript, ownScript } from './fork-script.ts'
import type { FactoryPlace } from './make-factory.ts'

/** Configuration of the owner process. */
export interface ForkOwnerOptions extends FactoryPlace {
  readonly instance: InstanceInput
  readonly ttlMs: number
}

/** Another Node process that registers `instance` and holds it until it is killed. */
export const forkOwner = async (options: ForkOwnerOptions): Promise<BlockableOwner> => {
  const owner = forkScript(ownScript('owner-process'), 'owner process', options)
  return {
    sessionId: await owner.message(),
    block: (durationMs) => {
      owner.send(durationMs)
      return owner.message()
    },
    kill: async () => {
      await owner[Symbol.asyncDispose]()
    },
  }
}
