import type { InstanceChange, Watcher, WatchEvent } from '@sd/registry'
import { expect, test } from 'vitest'
import { FilteredWatch } from '../src/filtered-watch.ts'

const instance = (id: string, zone: string) => ({
  service: 'orders',
  id,
  zone,
  endpoints: ['http://h:1'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
})

const events: readonly WatchEvent<InstanceChange>[] = [
  {
    type: 'sync',
    changes: [
      { type: 'added', instance: instance('a', 'x') },
      { type: 'added', instance: instance('b', 'y') },
    ],
  },
  {
    type: 'change',
    changes: [{ type: 'updated', instance: instance('b', 'z'), previous: instance('b', 'y') }],
  },
  {
    type: 'change',
    changes: [{ type: 'updated', instance: instance('b', 'x'), previous: instance('b', 'z') }],
  },
  {
    type: 'change',
    changes: [
      { type: 'updated', instance: instance('a', 'y'), previous: instance('a', 'x') },
      { type: 'removed', instance: instance('c', 'y') },
    ],
  },
  { type: 'change', changes: [{ type: 'removed', instance: instance('b', 'x') }] },
  { type: 'sync', changes: [] },
]

test('delivers only instances that match the filter, as they begin and cease to match', async () => {
  const watcher = {
    held: ['a', 'b'],
    stale: undefined,
    *[Symbol.iterator]() {
      yield* events
    },
  } as unknown as Watcher
  const watch = new FilteredWatch(watcher, ({ zone }) => zone === 'x')
  const told: string[] = []
  for await (const event of watch) {
    const changes = event.type === 'stale' ? [] : event.changes
    told.push(
      `${event.type}: ${changes.map((change) => `${change.type} ${change.instance.id}`).join()}; ${watch.instances.map(({ id }) => id).join()}; held ${watch.held.map(String).join()}`,
    )
  }
  expect(told).toEqual([
    'sync: added a; a; held a',
    'change: added b; a,b; held a,b',
    'change: removed a; b; held b',
    'change: removed b; ; held ',
    'sync: ; ; held ',
  ])
  expect(watch.size).toBe(0)
})
