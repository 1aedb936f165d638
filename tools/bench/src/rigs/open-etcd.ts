import type { Registry } from '@sd/core'
import type { Etcd3 } from 'etcd3'
import type { World } from '../frame/benchmark.ts'

/** The raw client of a side; imported here, so that it is no part of the other sides. */
export const openEtcd3 = async ({ endpoint }: World): Promise<Etcd3> => {
  const { Etcd3: Client } = await import('etcd3')
  return new Client({ hosts: `http://${endpoint}` })
}

/** A registry on the etcd of the benchmark. */
export const openRegistry = async (
  { endpoint }: World,
  namespace: string,
  ttlMs = 10_000,
): Promise<Registry> => {
  const [{ Registry: Opened }, { etcd }] = await Promise.all([
    import('@sd/core'),
    import('@sd/etcd'),
  ])
  return new Opened(etcd({ endpoints: [`http://${endpoint}`], namespace }), { ttlMs })
}

/** The instance with that number, as `@sd` is given it. */
export const inputOf = (
  index: number,
): { readonly service: string; readonly id: string; readonly endpoints: readonly string[] } => ({
  service: 'orders',
  id: `i${index}`,
  endpoints: [`http://10.0.0.1:${8_000 + index}`],
})
