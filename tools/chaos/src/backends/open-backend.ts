import type { ChaosBackend } from './chaos-backend.ts'
import { openConsul } from './open-consul.ts'
import { openEtcd } from './open-etcd.ts'
import { openSqlite } from './open-sqlite.ts'
import { openZooKeeper } from './open-zookeeper.ts'

const openers = {
  etcd: openEtcd,
  zookeeper: openZooKeeper,
  consul: openConsul,
  sqlite: openSqlite,
} as const satisfies Record<string, (members: number) => Promise<ChaosBackend>>

/** A backend that a run can be made on. */
export type BackendName = keyof typeof openers

/** All of them. */
export const backendNames: readonly BackendName[] = Object.keys(openers) as BackendName[]

/** Starts that many servers of a backend; other kinds of servers are not looked for. */
export const openBackend = (name: BackendName, members: number): Promise<ChaosBackend> => {
  process.env['SD_TEST_BACKENDS'] = name === 'sqlite' ? '' : name
  return openers[name](members)
}
