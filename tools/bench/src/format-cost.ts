import { kratosFormat } from '@sd/core/driver'
import { compare, type Comparison, type Side } from './compare.ts'

const count = 10_000
const slices = 5

const keys = Array.from({ length: count }, (_, index) => `orders/orders-${index}`)
const values = keys.map((key) =>
  Buffer.from(
    JSON.stringify({
      id: key.slice('orders/'.length),
      name: 'orders',
      version: '1.2.3',
      metadata: { commit: 'abc123', weight: '50' },
      endpoints: ['http://10.0.0.1:8080', 'grpc://10.0.0.1:9090'],
    }),
  ),
)

/** Keeps the last result, so that no compiler removes the calls. */
let kept: unknown

/** The milliseconds that all records take: the fastest of several slices. */
const timed =
  (read: (key: string, value: Buffer) => unknown): Side =>
  async () => {
    let bestMs = Number.POSITIVE_INFINITY
    for (let slice = 0; slice < slices; slice += 1) {
      const beganMs = performance.now()
      for (let index = 0; index < count; index += 1)
        kept = read(keys[index] as string, values[index] as Buffer)
      bestMs = Math.min(bestMs, performance.now() - beganMs)
    }
    if (kept === undefined) throw new Error('nothing was read')
    return bestMs
  }

/** Decoding the records of a Kratos fleet, against parsing their JSON. */
export const compareFormatCost = (): Promise<Comparison> =>
  compare(
    `decoding ${count} Kratos records, against JSON.parse`,
    1.5,
    timed((_, value) => JSON.parse(value.toString())),
    timed((key, value) => kratosFormat.decode(key, value)),
  )
