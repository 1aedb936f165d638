import {
  createDriverContext,
  type Observation,
  type RegistryDriver,
  type Scope,
} from '@sd/core/driver'
import { Etcd3 } from 'etcd3'
import { etcd, type EtcdConfig } from '../src/index.ts'

/** A driver for `host:port` endpoints. */
export const connect = (
  endpoints: readonly string[],
  config: Partial<EtcdConfig> = {},
): RegistryDriver => {
  const scheme = config.tls ? 'https' : 'http'
  return etcd({ endpoints: endpoints.map((host) => `${scheme}://${host}`), ...config })(
    createDriverContext(),
  )
}

/** A client of etcd itself, to change the data under the driver. */
export const admin = (endpoint: string): Etcd3 & Disposable => {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  return Object.assign(client, { [Symbol.dispose]: () => client.close() })
}

/** Keeps a view up to date as core does: observes again when an observation ends. */
export const follow = (driver: RegistryDriver, scope: Scope, signal: AbortSignal) => {
  const view = new Map<string, number>()
  const counts = { snapshots: 0, changes: 0, breaks: 0 }
  const apply = (observation: Observation): void => {
    if (observation.type === 'alive') return
    if (observation.type === 'snapshot') {
      counts.snapshots++
      view.clear()
    } else {
      counts.changes++
      for (const key of observation.removed) view.delete(key)
    }
    for (const { key, claim } of observation.records) view.set(key, claim?.seq ?? -1)
  }
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const observation of driver.observe(scope, undefined, signal)) apply(observation)
      } catch {
        counts.breaks++
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  return { view, counts, ended: run() }
}
