import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { documentOf } from '../rigs/etcd-records.ts'
import { callCounts, callRows, measureCalls } from '../rigs/measure-calls.ts'
import { openEtcd3, openRegistry } from '../rigs/open-etcd.ts'
import { registryCalls } from '../rigs/registry-calls.ts'
import { timePeerCalls } from '../rigs/timed-peers.ts'

const raw = async (world: World): Promise<Values> => {
  const client = await openEtcd3(world)
  const { ID } = await client.leaseClient.leaseGrant({ TTL: 10 })
  const keyOf = (index: number): Buffer => Buffer.from(`${world.namespace}/orders/i${index}`)
  return measureCalls(world, {
    register: (index) =>
      client.kv.put({ key: keyOf(index), value: Buffer.from(documentOf(index)), lease: ID }),
    deregister: (index) => client.kv.deleteRange({ key: keyOf(index) }),
  })
}

const registry = async (world: World): Promise<Values> => {
  const own = await openRegistry(world, world.namespace)
  return measureCalls(world, registryCalls(own))
}

export const benchmark: Benchmark = {
  title: 'Registering one instance on etcd',
  about:
    'One registration at a time on an open connection and session, then one deregistration at a time. The raw client puts a key on a lease it has, and deletes the key. `@sd` writes in a transaction that fails if another owner holds the id.',
  server: 'etcd',
  sides: {
    etcd3: { run: raw },
    '@sd': { run: registry },
    "Go's naming": {
      needs: 'go',
      run: (world) =>
        timePeerCalls(world, { toolchain: 'go', peer: 'etcd-naming' }, callCounts(world)),
    },
    'go-zero': {
      needs: 'go',
      // Stop() of its publisher does not wait for the server
      run: async (world) => ({
        register: (
          await timePeerCalls(world, { toolchain: 'go', peer: 'go-zero' }, callCounts(world))
        ).register,
      }),
    },
  },
  rows: callRows('etcd3', {
    register: 1.15,
    deregister: 1.15,
    remains:
      'both calls are one transaction without a read before it; a deregistration was a read and a transaction. In a profile two thirds of the CPU time are Node’s HTTP/2, streams and timers, 13 % core, 9 % the driver with its client, and 9 % the garbage collector. The transaction compares the revision of the key, so that two owners never hold one id, and is a larger message than a put to encode, send and decode (540 instead of 463 bytes for both directions). That cannot be left out.',
  }),
  quick: { rows: ['registerBytes', 'deregisterBytes'], samples: 1 },
}
