import type { InstanceInput } from '@sd/core'
import type { BlockableOwner, ContractHarness } from './contract-harness.ts'
import { forkScript, ownScript } from './fork-script.ts'
import type { FactoryPlace } from './make-factory.ts'

/** Configuration of the owner process. */
export interface ForkOwnerOptions extends FactoryPlace {
  readonly instance: InstanceInput
  readonly ttlMs: number
  /** Registers that many instances instead, with a number from 0 on appended to the id. */
  readonly count?: number
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

/**
 * The hooks of a harness whose owners are started by `forkOwner`. `config` of `place` lacks the namespace;
 * `heartbeat` and `maxBlockMs` are added to it for the second hook.
 */
export const forkedOwners = ({
  config,
  ...place
}: FactoryPlace & { readonly config: object }): Required<
  Pick<ContractHarness, 'startOwner' | 'startWorkerOwner'>
> => ({
  startOwner: (namespace, instance, ttlMs) =>
    forkOwner({ ...place, config: { ...config, namespace }, instance, ttlMs }),
  startWorkerOwner: (namespace, instance, ttlMs, maxBlockMs) =>
    forkOwner({
      ...place,
      config: { ...config, namespace, heartbeat: 'worker', maxBlockMs },
      instance,
      ttlMs,
    }),
})
