import { Channel, type Observation, type Scope } from '@sd/core/driver'
import { expect, test } from 'vitest'
import type { Catalog } from '../src/catalog/catalog.ts'
import { RecordDiff } from '../src/catalog/record-diff.ts'
import type { ServiceEntry } from '../src/catalog/service-entry.ts'
import { observeEach } from '../src/observe-each.ts'

/** A decoder of entries whose document is the id of an instance. */
const catalog = {
  decodeAll: (entries: readonly ServiceEntry[]) => ({
    records: entries.map(({ key, text }) => ({ key, instance: { id: text } })),
    skipped: [],
  }),
} as unknown as Catalog

const entriesOf = (...ids: readonly string[]): readonly ServiceEntry[] =>
  ids.map((id) => ({ key: `n/${id}`, text: id }) as unknown as ServiceEntry)

/** An observation whose sources the test feeds. */
const observed = (scope: Scope) => {
  const names = new Channel<readonly string[] | undefined>()
  const services = new Map<string, Channel<readonly ServiceEntry[] | undefined>>()
  const ended: string[] = []
  const abort = new AbortController()
  const observations = observeEach({
    scope,
    newDiff: () => new RecordDiff(catalog),
    names: () => names,
    service: (name, signal) => {
      const channel = new Channel<readonly ServiceEntry[] | undefined>()
      services.set(name, channel)
      signal.addEventListener('abort', () => {
        ended.push(name)
        channel.abort(signal.reason)
      })
      return channel
    },
    signal: abort.signal,
  })
  const next = async (): Promise<Observation> => {
    for (;;) {
      const { value } = await observations.next()
      if (value.type !== 'alive') return value
    }
  }
  /** Feeds a service, as soon as it is followed. */
  const feed = async (name: string, ...ids: readonly string[]): Promise<void> => {
    while (!services.has(name)) await new Promise((resolve) => setImmediate(resolve))
    services.get(name)?.push(entriesOf(...ids))
  }
  return { names, services, ended, observations, next, feed, abort }
}

const idsIn = (observation: Observation): readonly string[] =>
  'records' in observation ? observation.records.map(({ instance }) => instance.id) : []

test('the snapshot waits for every service of the first names', async () => {
  const { names, next, feed } = observed({ all: true })
  names.push(['a', 'b'])
  const first = next()
  await feed('a', '1')
  let settled = false
  void first.then(() => (settled = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect(settled).toBe(false)
  await feed('b')
  const snapshot = await first
  expect(snapshot.type).toBe('snapshot')
  expect(idsIn(snapshot)).toEqual(['1'])
})

test('no service at all is an empty snapshot, and later ones are changes', async () => {
  const { names, next, feed } = observed({ all: true })
  names.push([])
  expect(await next()).toEqual({ type: 'snapshot', records: [], skipped: [] })
  names.push(['a'])
  const later = next()
  await feed('a', '1', '2')
  expect(await later).toMatchObject({ type: 'changes', removed: [] })
  expect(idsIn(await later)).toEqual(['1', '2'])
})

test('a service that is gone takes its records along, is followed no more, and may come again', async () => {
  const { names, services, ended, next, feed } = observed({ all: true })
  names.push(['a'])
  void feed('a', '1')
  await next()
  const before = services.get('a')
  services.delete('a')
  names.push([])
  expect(await next()).toMatchObject({ type: 'changes', removed: ['n/1'] })
  expect(ended).toEqual(['a'])
  before?.push(entriesOf('late'))
  names.push(['a'])
  const again = next()
  await feed('a', '3')
  expect(idsIn(await again)).toEqual(['3'])
})

test('of names only those with a record are told, when the first comes and the last goes', async () => {
  const { names, next, feed } = observed({ services: true })
  names.push(['a', 'b'])
  void feed('a', '1')
  void feed('b')
  expect(await next()).toEqual({ type: 'snapshot', records: [], skipped: [], services: ['a'] })
  await feed('a', '1', '2')
  await feed('b', '3')
  expect(await next()).toMatchObject({ type: 'changes', services: ['b'], removedServices: [] })
  await feed('a')
  expect(await next()).toMatchObject({
    type: 'changes',
    records: [],
    removed: [],
    services: [],
    removedServices: ['a'],
  })
})

test('an answer without a change says that the observation is alive', async () => {
  const { names, observations, next } = observed({ all: true })
  names.push([])
  await next()
  names.push(undefined)
  expect((await observations.next()).value).toEqual({ type: 'alive' })
})

test('the failure of one source ends it, and all others', async () => {
  const { names, services, ended, next, feed } = observed({ all: true })
  names.push(['a', 'b'])
  void feed('a', '1')
  void feed('b')
  await next()
  services.get('a')?.fail(new Error('unreachable'))
  await expect(next()).rejects.toThrow('unreachable')
  expect(ended.toSorted()).toEqual(['a', 'b'])
})

test('aborts with the reason of the signal', async () => {
  const { names, next, feed, abort } = observed({ all: true })
  names.push(['a'])
  void feed('a')
  await next()
  const pending = next()
  abort.abort(new Error('enough'))
  await expect(pending).rejects.toThrow('enough')
})
