import type { ChaosBackend } from './chaos-backend.ts'
import { openEtcd } from './open-etcd.ts'

const openers = {
  etcd: openEtcd,
} as const satisfies Record<string, (namespace: string) => Promise<ChaosBackend>>

/** A backend that a run can be made on. */
export type BackendName = keyof typeof openers

/** All of them. */
export const backendNames: readonly BackendName[] = Object.keys(openers) as BackendName[]

/** Starts the servers of a backend. Server kinds that it does not need are not looked for. */
export const openBackend = (name: BackendName, namespace: string): Promise<ChaosBackend> => {
  process.env['SD_TEST_BACKENDS'] = name
  return openers[name](namespace)
}
