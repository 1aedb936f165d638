import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { consul, etcd, provideServers, zookeeper } from '@sd/test-servers'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('../swap-backend.ts', import.meta.url))

test('swap-backend.ts sees the same on every backend, by the URL alone', async () => {
  await using onEtcd = await provideServers(etcd)
  await using onZooKeeper = await provideServers(zookeeper)
  await using onConsul = await provideServers(consul)
  const urls = [
    'memory:',
    `etcd://${onEtcd.endpoints.join(',')}`,
    `zookeeper://${onZooKeeper.endpoints.join(',')}`,
    `consul://${onConsul.endpoints[0]}`,
  ]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@sd/source', program, ...urls],
    { timeout: 40_000 },
  )
  const seen = 'listed a; added a weight 100; updated a weight 5; removed a weight 5'
  expect(stdout.trim().split('\n')).toEqual(
    ['memory', 'etcd', 'zookeeper', 'consul'].map((backend) => `${backend}: ${seen}`),
  )
})
