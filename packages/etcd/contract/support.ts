import {
  createDriverContext,
  type Cursor,
  type Observation,
  type OwnedRef,
  type PutRequest,
  type RegistryDriver,
  type Scope,
} from '@sd/core/driver'
import { Etcd3 } from 'etcd3'
import { etcd, type EtcdConfig } from '../src/index.ts'

/** Aborts a call that should have been over long ago. */
export const soon = (ms = 5000): AbortSignal => AbortSignal.timeout(ms)

export const orders: Scope = { service: 'orders' }

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

/** etcd itself, to change what the driver must cope with. */
export const admin = (endpoint: string): Etcd3 & Disposable => {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  return Object.assign(client, { [Symbol.dispose]: () => client.close() })
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
  next(): Promise<Observation>
  /** The next, whatever it is. */
  any(): Promise<Observation>
}

export const observing = (
  driver: RegistryDriver,
  scope: Scope = orders,
  cursor?: Cursor,
): Observing => {
  const end = new AbortController()
  const iterator = driver.observe(scope, cursor, end.signal)[Symbol.asyncIterator]()
  const any = async (): Promise<Observation> => (await iterator.next()).value
  return {
    any,
    next: async () => {
      for (;;) {
        const observation = await any()
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

/** Keeps a view up to date as core would: resumes from the cursor, starts over when it expired. */
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
    let cursor: Cursor | undefined
    while (!signal.aborted) {
      try {
        for await (const observation of driver.observe(scope, cursor, signal)) {
          if (observation.cursor) ({ cursor } = observation)
          apply(observation)
        }
      } catch (error) {
        counts.breaks++
        if ((error as { code?: string }).code === 'cursor-expired') cursor = undefined
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  return { view, counts, ended: run() }
}
