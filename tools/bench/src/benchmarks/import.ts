import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Benchmark, Side, Values } from '../frame/benchmark.ts'
import { installedBytes } from '../rigs/installed-size.ts'

const run = promisify(execFile)

const program = (name: string): string => `
  const began = performance.now()
  await import('${name}')
  console.log(JSON.stringify({ elapsed: performance.now() - began, heap: process.memoryUsage().heapUsed / 1e6 }))
`

const measure = async (name: string): Promise<Values> => {
  const args = ['--no-warnings', '--input-type=module', '-e', program(name)]
  const { stdout } = await run(process.execPath, args)
  return { ...(JSON.parse(stdout) as Values), size: installedBytes(name) / 1e3 }
}

const packages = [
  '@sd/core',
  '@sd/memory',
  '@sd/sqlite',
  '@sd/etcd',
  '@sd/zookeeper',
  '@sd/consul',
  '@sd/balancer',
  '@sd/undici',
  '@sd/grpc',
  '@sd/gateway',
  '@sd/opentelemetry',
  'etcd3',
  'node-zookeeper-client',
  'undici',
  '@grpc/grpc-js',
] as const

export const benchmark: Benchmark = {
  title: 'Importing and installing a package',
  about:
    'A new process imports one package, without a compile cache. The size is that of the files of the package and of everything that it depends on.',
  sides: Object.fromEntries(
    packages.map((name): [string, Side] => [name, { run: () => measure(name) }]),
  ),
  rows: {
    elapsed: { what: 'import', unit: 'ms' },
    heap: { what: 'heap after the import', unit: 'MB' },
    size: { what: 'installed, with its dependencies', unit: 'KB' },
  },
}
