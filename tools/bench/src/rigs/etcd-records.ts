import type { Etcd3 } from 'etcd3'

/** etcd refuses transactions of more than 128 operations (`--max-txn-ops`). */
export const batchSize = 125

/** The document that `@sd` stores for an instance. */
export const documentOf = (
  index: number,
  metadata: Readonly<Record<string, string>> = {},
  service = 'orders',
): string =>
  JSON.stringify({
    schema: 1,
    id: `i${index}`,
    name: service,
    version: '',
    metadata,
    endpoints: [`http://10.0.0.1:${8_000 + index}`],
    weight: 100,
    tags: [],
    claim: { owner: 'abcdefghijklmnop', at: 1_700_000_000_000, seq: 0 },
    ttlMs: 10_000,
    registeredAtMs: 1_700_000_000_000,
  })

/** Stores the instances `i0`, `i1`, … at `<prefix>i<index>`, without a lease. */
export const storeInstances = async (
  client: Etcd3,
  prefix: string,
  count: number,
  valueOf: (index: number) => string = (index) => documentOf(index),
): Promise<void> => {
  for (let start = 0; start < count; start += batchSize) {
    const indexes = Array.from(
      { length: Math.min(batchSize, count - start) },
      (_, at) => start + at,
    )
    await client.kv.txn({
      success: indexes.map((index) => ({
        request_put: {
          key: Buffer.from(`${prefix}i${index}`),
          value: Buffer.from(valueOf(index)),
        },
      })),
    })
  }
}
