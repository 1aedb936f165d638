import rawZooKeeper from 'node-zookeeper-client'
import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { documentOf } from '../rigs/etcd-records.ts'
import { callCounts, callRows, measureCalls } from '../rigs/measure-calls.ts'
import { done, openRawZooKeeper } from '../rigs/open-zookeeper.ts'
import { registryCalls } from '../rigs/registry-calls.ts'
import { timePeerCalls } from '../rigs/timed-peers.ts'

const raw = async (world: World): Promise<Values> => {
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

const registry = async (world: World): Promise<Values> => {
  const [{ Registry }, { zookeeper }] = await Promise.all([
    import('@sd/core'),
    import('@sd/zookeeper'),
  ])
  const config = { hosts: [world.endpoint], namespace: world.namespace }
  return measureCalls(world, registryCalls(new Registry(zookeeper(config))))
}

export const benchmark: Benchmark = {
  title: 'Registering one instance on ZooKeeper',
  about:
    "One registration at a time on an open session, then one deregistration at a time. The raw client creates an ephemeral node, and removes it. `@sd` writes in a transaction that the version of the service's node fences.",
  server: 'zookeeper',
  sides: {
    'node-zookeeper-client': { run: raw },
    '@sd': { run: registry },
    Curator: {
      needs: 'java',
      run: (world) =>
        timePeerCalls(world, { toolchain: 'java', peer: 'curator' }, callCounts(world)),
    },
  },
  rows: callRows('node-zookeeper-client', {
    register: 1.2,
    deregister: 1.5,
    remains:
      'the transaction that fences a write by the version of the service is a larger message than the creation or removal of a node.',
  }),
  quick: { rows: ['registerBytes', 'deregisterBytes'], samples: 1 },
}
