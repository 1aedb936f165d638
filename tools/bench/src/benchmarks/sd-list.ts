import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { storeInstances } from '../rigs/etcd-records.ts'
import { openEtcd3 } from '../rigs/open-etcd.ts'
import { elapsedMs } from '../rigs/time-calls.ts'

const run = promisify(execFile)
const instances = 10_000

const prepare = async (world: World): Promise<void> =>
  storeInstances(await openEtcd3(world), `${world.prepared}/orders/`, instances)

/** What a script on the raw client does at least: reads the range, parses it, and prints a line for each. */
const rawProgram = `
  import { Etcd3 } from 'etcd3'
  const [endpoint, prefix] = process.argv.slice(-2)
  const client = new Etcd3({ hosts: 'http://' + endpoint })
  const { kvs } = await client.getAll().prefix(prefix).exec()
  const lines = kvs.map(({ value }) => JSON.parse(value.toString()))
    .map(({ id, endpoints, weight }) => [id, endpoints.join(','), weight].join('  '))
  console.log('ID  ENDPOINTS  WEIGHT\\n' + lines.join('\\n'))
  client.close()
`

const sd = fileURLToPath(new URL('../../../../packages/cli/bin/sd.js', import.meta.url))

const timeRun = async (args: readonly string[]): Promise<Values> => {
  let stdout = ''
  const list = await elapsedMs(async () => {
    ;({ stdout } = await run(process.execPath, ['--no-warnings', ...args], { maxBuffer: 1 << 26 }))
  })
  const lines = stdout.trim().split('\n').length
  if (lines !== instances + 1) throw new Error(`${lines} lines were printed`)
  return { list }
}

export const benchmark: Benchmark = {
  title: 'sd list of 10,000 instances on etcd',
  about:
    'A new process connects, reads 10,000 instances, prints a line for each into a pipe, and ends. The raw side is a script on the raw client that does the same.',
  server: 'etcd',
  samples: 7,
  prepare,
  sides: {
    etcd3: {
      run: ({ endpoint, prepared }) =>
        timeRun(['--input-type=module', '-e', rawProgram, endpoint, `${prepared}/orders/`]),
    },
    '@sd': {
      run: ({ endpoint, prepared }) =>
        timeRun([sd, 'list', 'orders', '--url', `etcd://${endpoint}/${prepared}`]),
    },
  },
  rows: {
    list: {
      what: 'sd list, from its start to its end',
      unit: 'ms',
      goals: [
        { side: '@sd', against: 'etcd3', atMost: 2 },
        { side: '@sd', atMost: 1_000 },
      ],
    },
  },
}
