import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { consul, etcd, launch, repositoryRoot, until, zookeeper } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PeerRegistrar, PeerWatcher } from '../src/peer-process.ts'
import { runnablePeers } from '../src/runnable-peers.ts'
import {
  type Stored,
  storedInConsul,
  storedInEtcd,
  storedInZooKeeper,
} from '../src/stored-records.ts'

const golden = join(repositoryRoot, 'tools/peers/golden')

const backends = [
  { server: etcd, stored: storedInEtcd },
  { server: zookeeper, stored: (at: string) => storedInZooKeeper(at, '/golden') },
  { server: consul, stored: storedInConsul },
]

/** Without what differs in each run: leases, times. */
const comparable = (stored: Stored): Stored =>
  Object.fromEntries(
    Object.entries(stored).map(([key, value]) => [
      key.replaceAll(/\d{10,}/g, 'N'),
      value.replaceAll(/\d{10,}/g, 'N'),
    ]),
  )

/** Compares with the golden file, or writes it where the environment asks for that. */
const compareWithGolden = async (name: string, stored: Stored): Promise<void> => {
  const file = join(golden, `${name}.json`)
  if (process.env['SD_PEERS_DUMP'] !== undefined || !existsSync(file)) {
    await mkdir(golden, { recursive: true })
    await writeFile(file, `${JSON.stringify(stored, null, 2)}\n`)
  }
  const expected = JSON.parse(await readFile(file, 'utf8')) as Stored
  expect(comparable(stored)).toEqual(comparable(expected))
}

const peers = await runnablePeers()

for (const { server, stored } of backends) {
  const tested = peers.filter(({ backend }) => backend === server.name)
  describe.runIf(tested.length > 0)(`what peers write in ${server.name}`, () => {
    let cluster: Awaited<ReturnType<typeof launch>>
    let endpoint: string

    beforeAll(async () => {
      cluster = await launch(server)
      endpoint = cluster.servers[0]?.endpoints[server.clientPort] ?? ''
    })
    afterAll(() => cluster?.[Symbol.asyncDispose]())

    for (const { name, command, missing, endpoints } of tested)
      test.skipIf(missing !== undefined)(
        `${name} writes its golden file, and its own watcher sees that come and go${missing ? ` (${missing})` : ''}`,
        async () => {
          const namespace = { 'kratos-zookeeper': '/golden' }[name] ?? 'golden'
          const inTree = server === zookeeper ? { namespace } : {}
          const at = { peer: name, server: endpoint, ...inTree }
          const instance = {
            id: 'orders-1',
            name: 'orders',
            version: '1.2.3',
            metadata: { a: 'b' },
            endpoints: endpoints('10.0.0.1'),
          }
          await using registrar = new PeerRegistrar(command, at)
          await registrar.register(instance)
          await compareWithGolden(name, await stored(endpoint))
          await using watcher = new PeerWatcher(command, { ...at, service: 'orders' })
          await watcher.sees('its record', (view) => view.length === 1)
          await registrar.deregister(instance)
          // Kratos on Consul gives no view of a service that has become empty
          const kept = name === 'kratos-consul' ? 1 : 0
          await watcher.sees('no record', (view) => view.length === kept)
          await until('nothing is left of it', async () =>
            Object.keys(await stored(endpoint)).every((key) => !/orders[/-]./.test(key)),
          )
          expect(watcher.errors).toEqual([])
        },
      )
  })
}
