import { Registry } from '@sd/core'
import { etcd } from '@sd/etcd'
import { Etcd3 } from 'etcd3'
import { compare, type Comparison, type Side } from './compare.ts'

const instances = 1_000
const batch = 125

const valueOf = (index: number): string =>
  JSON.stringify({
    schema: 1,
    id: `i${index}`,
    name: 'orders',
    version: '',
    metadata: {},
    endpoints: [`http://10.0.0.1:${8_000 + index}`],
    weight: 100,
    tags: [],
    claim: { owner: 'abcdefghijklmnop', claimedAtMs: Date.now(), seq: 0 },
    ttlMs: 10_000,
    registeredAtMs: Date.now(),
  })

/** The equivalent hand-written program: one lease, and transactions that create 125 keys each. */
const raw =
  (client: Etcd3): Side =>
  async () => {
    const { ID } = await client.leaseClient.leaseGrant({ TTL: 10 })
    const beganMs = performance.now()
    const numbers = Array.from({ length: instances }, (_, index) => index)
    await Promise.all(
      Array.from({ length: instances / batch }, (_, start) => {
        const keys = numbers.slice(start * batch, (start + 1) * batch)
        const keyOf = (index: number): Buffer => Buffer.from(`bench-raw/orders/i${index}`)
        return client.kv.txn({
          compare: keys.map((index) => ({
            key: keyOf(index),
            target: 'Mod',
            result: 'Equal',
            mod_revision: 0,
          })),
          success: keys.map((index) => ({
            request_put: { key: keyOf(index), value: Buffer.from(valueOf(index)), lease: ID },
          })),
        })
      }),
    )
    const tookMs = performance.now() - beganMs
    await client.leaseClient.leaseRevoke({ ID })
    return tookMs
  }

const registry =
  (endpoint: string): Side =>
  async () => {
    const own = new Registry(etcd({ endpoints: [`http://${endpoint}`], namespace: 'bench' }))
    // the connection and the session are open, as on the raw side
    await own.register({ service: 'others', endpoints: ['http://10.0.0.1:80'] })
    const beganMs = performance.now()
    await Promise.all(
      Array.from({ length: instances }, (_, index) =>
        own.register({
          service: 'orders',
          id: `i${index}`,
          endpoints: [`http://10.0.0.1:${8_000 + index}`],
        }),
      ),
    )
    const tookMs = performance.now() - beganMs
    await own.close()
    return tookMs
  }

/** `register` a thousand times at once on etcd, against the equivalent transactions. */
export const compareRegisterCost = async (endpoint: string): Promise<Comparison> => {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  try {
    return await compare(
      'etcd: registering 1,000 at once, against raw transactions of 125',
      1.5,
      raw(client),
      registry(endpoint),
    )
  } finally {
    client.close()
  }
}
