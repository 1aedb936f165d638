import type { InstanceInput } from '@sd/core'
import type { OwnerProcess } from './contract-harness.ts'
import { forkScript, ownScript } from './fork-script.ts'
import type { FactoryPlace } from './make-factory.ts'

/** Configuration of the owner process. */
export interface ForkOwnerOptions extends FactoryPlace {
  readonly instance: InstanceInput
  readonly ttlMs: number
}

/** Another Node process that registers `instance` and holds it until it is killed. */
export const forkOwner = async (options: ForkOwnerOptions): Promise<OwnerProcess> => {
  const owner = forkScript(ownScript('owner-process'), 'owner process', options)
  await owner.message()
  return {
    kill: async () => {
      await owner[Symbol.asyncDispose]()
    },
  }
}
