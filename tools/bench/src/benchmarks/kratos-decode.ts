import { kratosFormat } from '@sd/core/driver'
import type { Benchmark, Values } from '../frame/benchmark.ts'
import { repeated } from '../rigs/repeated.ts'
import { cpuMs } from '../rigs/time-calls.ts'

const count = 10_000

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

const measure = async (read: (key: string, value: Buffer) => unknown): Promise<Values> => {
  const round = async (): Promise<number> => {
    const beganMs = cpuMs()
    for (const [index, key] of keys.entries()) kept = read(key, values[index] as Buffer)
    return cpuMs() - beganMs
  }
  const decode = await repeated(round, { warmUp: 10, rounds: 21 })
  if (kept === undefined) throw new Error('nothing was read')
  return { decode }
}

export const benchmark: Benchmark = {
  title: 'Decoding the records of a Kratos fleet',
  about: 'Ten thousand records in the format `kratos`, beside `JSON.parse` of them.',
  sides: {
    'JSON.parse': { run: () => measure((_, value) => JSON.parse(value.toString())) },
    '@sd': { run: () => measure((key, value) => kratosFormat.decode(key, value)) },
  },
  rows: {
    decode: {
      what: 'CPU time of 10,000 records',
      unit: 'ms',
      goals: [{ side: '@sd', against: 'JSON.parse', atMost: 1.5 }],
      remains:
        'a record is parsed, its fields are checked one by one, and the instance is made of them and frozen. The rounds lie on both sides of the goal; nothing was tried to bring them below it.',
    },
  },
}
