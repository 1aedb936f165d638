import { consul } from './specs/consul.ts'
import { etcd } from './specs/etcd.ts'
import { zookeeper } from './specs/zookeeper.ts'
import type { TestServer } from './test-server.ts'

/** Every kind, in the order in which they are provided. */
export const testServers: readonly TestServer[] = [etcd, zookeeper, consul]

/** The requested kinds: `SD_TEST_BACKENDS=etcd,zookeeper`, by default all, none if empty. */
export function wantedServers(env: NodeJS.ProcessEnv = process.env): readonly TestServer[] {
  const known = testServers.map(({ name }) => name)
  const names = (env['SD_TEST_BACKENDS'] ?? known.join(',')).split(',').map((name) => name.trim())
  const unknown = names.filter((name) => name && !known.includes(name))
  if (unknown.length > 0)
    throw new Error(
      `SD_TEST_BACKENDS contains the unknown '${unknown.join(',')}'; expected some of ${known.join(', ')}`,
    )
  return testServers.filter(({ name }) => names.includes(name))
}
