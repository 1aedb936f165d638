import { connect as dial } from 'node:net'
import {
  createDriverContext,
  type Observation,
  type OwnedRef,
  type PutRequest,
  type RegistryDriver,
  type Scope,
} from '@sd/core/driver'
import type { Server } from '@sd/test-servers'
import { createZooKeeperClient } from '../src/client/node-zookeeper-client.ts'
import type { ZooKeeperClient } from '../src/client/zookeeper-client.ts'
import { isCode } from '../src/errors.ts'
import { zookeeper, type ZooKeeperConfig } from '../src/index.ts'

/** Aborts a call that should have been over long ago. */
export const soon = (ms = 5000): AbortSignal => AbortSignal.timeout(ms)

export const orders: Scope = { service: 'orders' }

export const clientOf = (server: Server | undefined): string => server?.endpoints['client'] ?? ''

/** What a server answers to a four-letter word; nothing if it does not. */
export const ask = (endpoint: string, word: string): Promise<string> =>
  new Promise((resolve) => {
    const [host = '', port = ''] = endpoint.split(':')
    let answer = ''
    const socket = dial(Number(port), host, () => socket.write(word))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('data', (data) => (answer += data.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })

export const connect = (
  hosts: readonly string[],
  config: Partial<ZooKeeperConfig> = {},
): RegistryDriver => zookeeper({ hosts, ...config })(createDriverContext())

/** ZooKeeper itself, to change what the driver must cope with. */
export const admin = async (
  endpoint: string,
  config: Partial<ZooKeeperConfig> = {},
): Promise<ZooKeeperClient & AsyncDisposable> => {
  const client = createZooKeeperClient({
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

export const request = (
  id: string,
  claim: Partial<PutRequest['claim']> = {},
  rest: { service?: string; mode?: PutRequest['mode']; weight?: number } = {},
): PutRequest => ({
  instance: {
    service: rest.service ?? 'orders',
    id,
    endpoints: ['http://10.0.0.7:8080'],
    weight: rest.weight ?? 100,
    tags: [],
    metadata: {},
  },
  claim: { owner: 'a', at: 1, seq: 0, ...claim },
  mode: rest.mode ?? 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 1,
})

export const many = (count: number, prefix = 'i'): PutRequest[] =>
  Array.from({ length: count }, (_, index) => request(`${prefix}${index}`))

export const ref = (id: string, owner = 'a', service = 'orders'): OwnedRef => ({
  service,
  id,
  owner,
})

/** The ids of a list, sorted. */
export const idsOf = async (driver: RegistryDriver, scope: Scope = orders): Promise<string[]> =>
  (await driver.list(scope, soon())).records.map(({ instance }) => instance.id).toSorted()

/** An observation under way: what it yielded, one by one. */
export interface Observing extends AsyncDisposable {
  /** The next that is not `alive`; throws what the driver threw. */
  next(): Promise<Exclude<Observation, { type: 'alive' }>>
}

export const observing = (driver: RegistryDriver, scope: Scope = orders): Observing => {
  const end = new AbortController()
  const iterator = driver.observe(scope, undefined, end.signal)[Symbol.asyncIterator]()
  return {
    next: async () => {
      for (;;) {
        const observation = (await iterator.next()).value as Observation
        if (observation.type !== 'alive') return observation
      }
    },
    [Symbol.asyncDispose]: async () => {
      end.abort(new Error('test over'))
      await iterator.next().catch(() => {})
    },
  }
}

/** The code of what `work` fails with; `none` when it does not. */
export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'none'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** Keeps a view up to date as core would: starts over with a snapshot when it breaks. */
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
