import { jsonFormat } from '@sd/core/driver'
import { request } from '@sd/contract-tests/world'
import { beforeEach, expect, test } from 'vitest'
import type { NodeData } from '../src/client/zookeeper-client.ts'
import { ZooKeeperError } from '../src/client/zookeeper-error.ts'
import { Keys } from '../src/keys.ts'
import type { ObservationContext } from '../src/observe/observation-context.ts'
import { ServiceFollower } from '../src/observe/service-follower.ts'
import type { NodeChange } from '../src/reader/tree-watches.ts'

const root = '/ns/orders'
const stat = { ephemeralOwner: '0x1' } as NodeData['stat']
const noNode = new ZooKeeperError('NO_NODE', { operation: 'get' })

/** The nodes below `root` by name, and the requests that read them. */
let nodes: Map<string, NodeData>
let requests: string[]
let changed: (change: NodeChange) => void
let follower: ServiceFollower

const write = (name: string): void => {
  nodes.set(`${root}/${name}`, { data: jsonFormat.encode(request(name)), stat })
  changed({ type: 'changed', path: `${root}/${name}` })
}

beforeEach(() => {
  nodes = new Map()
  requests = []
  const reads: Partial<ObservationContext['reads']> = {
    children: async () => ({ names: [...nodes.keys()].map((path) => path.slice(12)), stat }),
    get: async (path) => {
      requests.push('get')
      const node = nodes.get(path)
      if (node === undefined) throw noNode
      return node
    },
    multiRead: async (batch) => {
      requests.push(`multiRead of ${batch.length}`)
      return batch.map(({ path }) => {
        const node = nodes.get(path)
        return node ? { type: 'get', ...node } : { type: 'refused', error: noNode }
      })
    },
  }
  const trees = { follow: async (_path: string, told: typeof changed) => void (changed = told) }
  const keys = new Keys('ns', jsonFormat)
  const { signal } = new AbortController()
  const context = { keys, reads, trees, signal } as object as ObservationContext
  follower = new ServiceFollower(context, 'orders', () => {})
})

test('one change is one read of one node, and several are read together', async () => {
  await follower.changes()
  expect(requests).toEqual([])
  write('a')
  expect((await follower.changes()).decoded).toMatchObject([{ key: 'orders/a' }])
  write('b')
  write('c')
  write('b')
  expect((await follower.changes()).decoded).toHaveLength(2)
  expect(requests).toEqual(['get', 'multiRead of 2'])
})

test('a node that is gone when it is read is removed, alone and among others', async () => {
  await follower.changes()
  for (const name of ['a', 'b', 'c']) write(name)
  await follower.changes()
  nodes.clear()
  changed({ type: 'deleted', path: `${root}/a` })
  expect(await follower.changes()).toEqual({ decoded: [], removed: ['orders/a'] })
  changed({ type: 'deleted', path: `${root}/b` })
  changed({ type: 'deleted', path: `${root}/c` })
  expect(await follower.changes()).toEqual({ decoded: [], removed: ['orders/b', 'orders/c'] })
  expect(requests).toEqual(['multiRead of 3', 'get', 'multiRead of 2'])
})
