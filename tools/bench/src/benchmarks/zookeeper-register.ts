import rawZooKeeper from 'node-zookeeper-client'
import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { documentOf } from '../rigs/etcd-records.ts'
import { callCounts, callRows, measureCalls } from '../rigs/measure-calls.ts'
import { done, openOwnZooKeeper, openRawZooKeeper } from '../rigs/open-zookeeper.ts'
import { registryCalls } from '../rigs/registry-calls.ts'
import { timePeerCalls } from '../rigs/timed-peers.ts'

const nodeClient = async (world: World): Promise<Values> => {
  const client = await openRawZooKeeper(world.endpoint)
  const folder = `/${world.namespace}/orders`
  await done<string>((callback) => client.mkdirp(folder, callback))
  const { EPHEMERAL } = rawZooKeeper.CreateMode
  return measureCalls(world, {
    register: (index) =>
      done<string>((callback) =>
        client.create(`${folder}/i${index}`, Buffer.from(documentOf(index)), EPHEMERAL, callback),
      ),
    deregister: (index) =>
      done((callback) =>
        client.remove(`${folder}/i${index}`, -1, (error) => callback(error, undefined)),
      ),
  })
}

const ownClient = async (world: World): Promise<Values> => {
  const { signal } = new AbortController()
  const client = await openOwnZooKeeper(world.endpoint, signal)
  const folder = `/${world.namespace}`
  await client.create(folder, Buffer.from(''), 'persistent', signal)
  return measureCalls(world, {
    register: (index) =>
      client.create(`${folder}/i${index}`, Buffer.from(documentOf(index)), 'ephemeral', signal),
    deregister: (index) => client.delete(`${folder}/i${index}`, -1, signal),
  })
}

/** The transactions with which `@sd` writes, as every creation below a node counts up its version. */
const ownTransactions = async (world: World): Promise<Values> => {
  const { signal } = new AbortController()
  const client = await openOwnZooKeeper(world.endpoint, signal)
  const folder = `/${world.namespace}`
  const nothing = Buffer.from('')
  await client.create(folder, nothing, 'persistent', signal)
  return measureCalls(world, {
    register: (index) => {
      const [path, data] = [`${folder}/i${index}`, Buffer.from(documentOf(index))]
      return client.multi(
        [
          { type: 'set', path: folder, data: nothing, version: -1 },
          { type: 'create', path, data, kind: 'ephemeral' },
        ],
        signal,
      )
    },
    deregister: (index) =>
      client.multi(
        [
          { type: 'check', path: folder, version: -1 },
          { type: 'delete', path: `${folder}/i${index}`, version: 0 },
        ],
        signal,
      ),
  })
}

const registry = async (world: World): Promise<Values> => {
  const [{ Registry }, { zookeeper }] = await Promise.all([
    import('@sd/core'),
    import('@sd/zookeeper'),
  ])
  const config = { hosts: [world.endpoint], namespace: world.namespace }
  return measureCalls(world, registryCalls(new Registry(zookeeper(config))))
}

/** The client in `@sd/zookeeper`, used without the rest of it. */
const raw = 'requests of its client'

export const benchmark: Benchmark = {
  title: 'Registering one instance on ZooKeeper',
  about:
    "One registration at a time on an open session, then one deregistration at a time, on an ensemble of three that writes to its disks, as deployments do. The raw operations are requests of the same client, each awaited: the creation of an ephemeral node, and its removal without a comparison of versions. `@sd` makes one request for each as well, a transaction that the version of the service's node fences; its client's transactions do the same without `@sd`.",
  server: 'ZooKeeper ensemble',
  sides: {
    [raw]: { run: ownClient },
    'transactions of its client': { run: ownTransactions },
    'node-zookeeper-client': { run: nodeClient },
    '@sd': { run: registry },
    Curator: {
      needs: 'java',
      run: (world) =>
        timePeerCalls(world, { toolchain: 'java', peer: 'curator' }, callCounts(world)),
    },
  },
  rows: callRows(raw, {
    register: 1.2,
    deregister: 1.5,
    remains:
      'the time is that of the ensemble; the CPU time is that of this process alone. All sides make one request and wait for one answer, and the side with the same transactions shows what the fence adds. The rest is validation and encoding, the claim, the loop that writes what is desired, the deadline of the call, and the comparison in `@sd/core` and `@sd/zookeeper`, whose code has run two thousand times when the measurement begins; a profile shows no part above a tenth of it. A lone server that does not wait for its disk (`forceSync=no`) answers in 0.2 ms, and beside it this CPU time makes a registration take twice as long as the raw request. On this machine the members, their disks and the measured process share two cores: five runs had ratios from 1.04 to 1.59 for a registration, and from 1.13 to 1.74 for a deregistration.',
  }),
  quick: { rows: ['registerBytes', 'deregisterBytes'], samples: 1 },
}
