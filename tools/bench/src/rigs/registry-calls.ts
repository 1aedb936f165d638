import type { Registration, Registry } from '@sd/core'
import type { Calls } from './measure-calls.ts'
import { inputOf } from './open-etcd.ts'

/** `register` and `deregister` of a registry, the same on every backend. */
export const registryCalls = (registry: Registry): Calls => {
  const registrations = new Map<number, Registration>()
  return {
    register: async (index) => registrations.set(index, await registry.register(inputOf(index))),
    deregister: async (index) => registrations.get(index)?.deregister(),
  }
}
