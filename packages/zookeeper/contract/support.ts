import { connect as dial } from 'node:net'
import { connect as dialSecurely } from 'node:tls'
import {
  createDriverContext,
  type Observation,
  type RegistryDriver,
  type Scope,
} from '@sd/core/driver'
import { ids, soon } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { type TestServer, zookeeper as zookeeperServer } from '@sd/test-servers'
import { createZooKeeperClient } from '../src/client/create-client.ts'
import type { ZooKeeperClient } from '../src/client/zookeeper-client.ts'
import { isCode } from '../src/client/zookeeper-error.ts'
import { zookeeper, type ZooKeeperConfig } from '../src/index.ts'
import { clientTls, isOverTls } from './test-tls.ts'

export const clientOf = (server: Server | undefined): string => server?.endpoints['client'] ?? ''

/** Changes to the configuration of a server. */
export interface Settings {
  /** Further lines of zoo.cfg. */
  readonly lines?: readonly string[]
  /** System properties of Java. */
  readonly properties?: Readonly<Record<string, string>>
  /** The users who may log in by SASL DIGEST-MD5, with their passwords. */
  readonly users?: Readonly<Record<string, string>>
}

/** A server with changes to its configuration. */
export const withSettings = ({ lines = [], properties = {}, users }: Settings): TestServer => {
  const jaas = [
    'Server {',
    '  org.apache.zookeeper.server.auth.DigestLoginModule required',
    ...Object.entries(users ?? {}).map(([name, password]) => `  user_${name}="${password}"`),
    '  ;',
    '};',
    '',
  ].join('\n')
  return {
    ...zookeeperServer,
    env: (member, options) => {
      const login = users && {
        'java.security.auth.login.config': `${member.confDir}/jaas.conf`,
      }
      const all = Object.entries({ ...properties, ...login })
      return {
        ...zookeeperServer.env?.(member, options),
        JAVA_TOOL_OPTIONS: all.map(([name, value]) => `-D${name}=${value}`).join(' '),
      }
    },
    files: (member, options) => {
      const files = zookeeperServer.files?.(member, options) ?? {}
      const cfg = `${member.confDir}/zoo.cfg`
      return {
        ...files,
        [cfg]: [files[cfg] ?? '', ...lines, ''].join('\n'),
        ...(users && { [`${member.confDir}/jaas.conf`]: jaas }),
      }
    },
  }
}

/** The answer of a server to a four-letter word; empty without one. */
export const ask = (endpoint: string, word: string): Promise<string> =>
  new Promise((resolve) => {
    const [host = '', port = ''] = endpoint.split(':')
    let answer = ''
    const to = { host, port: Number(port), ...clientTls.tls }
    const asked = (): unknown => socket.write(word)
    const socket = isOverTls ? dialSecurely(to, asked) : dial(to, asked)
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('data', (data) => (answer += data.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })

export const connect = (
  hosts: readonly string[],
  config: Partial<ZooKeeperConfig> = {},
): RegistryDriver => zookeeper({ ...clientTls, hosts, ...config })(createDriverContext())

/** Ids whose paths take some 700 bytes each. */
export const longIds = (count: number): string[] => ids(`${'ü'.repeat(115)}-`, count)

/** A client of ZooKeeper itself, to change the data under the driver. */
export const admin = async (
  endpoint: string,
  config: Partial<ZooKeeperConfig> = {},
): Promise<ZooKeeperClient & AsyncDisposable> => {
  const client = createZooKeeperClient({
    ...clientTls,
    ...config,
    hosts: [endpoint],
    sessionTimeoutMs: 10_000,
    context: createDriverContext(),
  })
  await client.connect(soon())
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close(soon()) })
}

/** Overwrites a node with one that is tied to no session. */
export const writePersistent = async (
  client: ZooKeeperClient,
  path: string,
  value: Uint8Array,
): Promise<void> => {
  const create = { type: 'create', path, data: value, kind: 'persistent' } as const
  try {
    await client.multi([{ type: 'delete', path, version: -1 }, create], soon())
  } catch (error) {
    if (!isCode(error, 'NO_NODE')) throw error
    await client.multi([create], soon())
  }
}

/** Keeps a view up to date as core does: starts over with a snapshot when the watch breaks. */
export const follow = (driver: RegistryDriver, scope: Scope, signal: AbortSignal) => {
  const view = new Map<string, number>()
  const counts = { snapshots: 0, breaks: 0, removals: 0 }
  const apply = (observation: Observation): void => {
    if (observation.type === 'alive') return
    if (observation.type === 'snapshot') {
      counts.snapshots++
      view.clear()
    } else
      for (const key of observation.removed) {
        counts.removals++
        view.delete(key)
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
