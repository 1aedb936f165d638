import { expect } from 'vitest'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { idsOf, input } from '../contract-run.ts'
import { eventually, pass, throughout } from '../eventually.ts'
import { Follower } from '../follower.ts'
import { nextChanges, nextSync } from '../next-changes.ts'

/** How long the first attach of a watch may take, with the default `callTimeoutMs`. */
const attachMs = 6_000

/** W1 … W6, W8. */
export const watchingCases: readonly ContractCase[] = [
  contractCase('W1 delivers an empty sync for an unknown service', [], async (run) => {
    const registry = run.registry()
    await using watcher = registry.watch('nobody')
    expect(await nextSync(watcher)).toEqual([])
    expect(watcher.instances).toEqual([])
    expect(watcher.size).toBe(0)
  }),

  contractCase('W1 delivers everything present with the first event', [], async (run) => {
    const owner = run.registry()
    const other = run.registry()
    for (const id of ['a', 'b']) await owner.register(input('orders', id))
    await run.lists(other, 'orders', ['a', 'b'], run.visibleMs + run.times.slackMs)
    await using watcher = other.watch('orders')
    const changes = await nextSync(watcher)
    expect(changes.map(({ type, instance }) => `${type} ${instance.id}`).toSorted()).toEqual([
      'added a',
      'added b',
    ])
    expect(watcher.get('a')?.service).toBe('orders')
    expect(watcher.get('nobody')).toBeUndefined()
  }),

  contractCase(
    'W1 reports that it is stale while nothing could be read yet',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, slackMs } = run.times
      await server?.stop('kill')
      const follower = run.follow(run.registry(), 'orders')
      await eventually('the reader receives the stale event', attachMs + slackMs, () =>
        follower.events.some(({ type }) => type === 'stale'),
      )
      expect(follower.watcher.stale?.cause.retryable).toBe(true)
      await server?.start()
      await follower.sees([], ttlMs + capMs + slackMs * 2)
      expect(follower.events.map(({ type }) => type)).toEqual(['stale', 'sync'])
    },
  ),

  contractCase(
    'W2 delivers to each reader the net difference since its last event',
    [],
    async (run) => {
      const { slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const a = await owner.register(input('orders', 'a'))
      await using lazy = other.watch('orders')
      const follower = run.follow(other, 'orders')
      await follower.sees(['a'], slackMs)
      await nextSync(lazy)
      await a.update({ weight: 1 })
      await a.update({ weight: 2 })
      const b = await owner.register(input('orders', 'b'))
      await owner.register(input('orders', 'c'))
      await follower.sees(['a', 'b', 'c'], slackMs)
      await b.deregister()
      await follower.sees(['a', 'c'], slackMs)
      const changes = await nextChanges(lazy)
      expect(changes.map(({ type, instance }) => `${type} ${instance.id}`).toSorted()).toEqual([
        'added c',
        'updated a',
      ])
      const updated = changes.find((change) => change.type === 'updated')
      expect([updated?.previous.weight, updated?.instance.weight]).toEqual([100, 2])
    },
  ),

  contractCase('W2 follows the names of services', [], async (run) => {
    const { slackMs } = run.times
    const owner = run.registry()
    const other = run.registry()
    await using watcher = other.watchServices()
    expect(await nextSync(watcher)).toEqual([])
    const first = await owner.register(input('orders', 'a'))
    const second = await owner.register(input('orders', 'b'))
    await eventually('the service is delivered', slackMs, () => watcher.has('orders'))
    expect(await nextChanges(watcher)).toEqual([{ type: 'added', service: 'orders' }])
    await first.deregister()
    await second.deregister()
    expect(await nextChanges(watcher)).toEqual([{ type: 'removed', service: 'orders' }])
    expect(watcher.services).toEqual([])
  }),

  contractCase('W2 follows every service at once', [], async (run) => {
    const { slackMs } = run.times
    const owner = run.registry()
    const other = run.registry()
    await using watcher = other.watchAll()
    expect(await nextSync(watcher)).toEqual([])
    await owner.register(input('orders', 'a'))
    const user = await owner.register(input('users', 'a'))
    await eventually('both instances are delivered', slackMs, () => watcher.size === 2)
    expect(watcher.get('users', 'a')?.service).toBe('users')
    await user.deregister()
    await eventually(
      'one instance is removed',
      slackMs,
      () => watcher.get('users', 'a') === undefined,
    )
    expect(watcher.get('orders', 'a')?.id).toBe('a')
  }),

  contractCase(
    'W3 reflects what changed while it was cut off',
    ['partition', 'connectDirect'],
    async (run) => {
      const { ttlMs, capMs, slackMs } = run.times
      const owner = run.direct()
      const watching = run.registry()
      const a = await owner.register(input('orders', 'a'))
      const b = await owner.register(input('orders', 'b'))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['a', 'b'], slackMs)
      const cut = await run.harness.partition?.()
      await a.update({ weight: 3 })
      await b.deregister()
      await owner.register(input('orders', 'c'))
      await eventually(
        'it is stale',
        ttlMs * 2 + slackMs,
        () => follower.watcher.stale !== undefined,
      )
      await cut?.[Symbol.asyncDispose]()
      await follower.sees(['a', 'c'], capMs * 2 + slackMs * 2)
      expect(follower.view.get('a')?.weight).toBe(3)
      await eventually('it is fresh', slackMs, () => follower.watcher.stale === undefined)
    },
  ),

  contractCase(
    'W3 reflects what changed while its history was lost',
    ['partition', 'connectDirect', 'loseHistory'],
    async (run) => {
      const { ttlMs, capMs, slackMs } = run.times
      const owner = run.direct()
      const watching = run.registry()
      const a = await owner.register(input('orders', 'a'))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['a'], slackMs)
      const cut = await run.harness.partition?.()
      await eventually(
        'it is stale',
        ttlMs * 2 + slackMs,
        () => follower.watcher.stale !== undefined,
      )
      await a.deregister()
      await owner.register(input('orders', 'b'))
      await run.harness.loseHistory?.(run.namespace)
      await cut?.[Symbol.asyncDispose]()
      await follower.sees(['b'], capMs * 2 + slackMs * 2)
    },
  ),

  contractCase(
    'W3 continues on a server that was wiped while the watch was down',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { capMs, slackMs } = run.times
      const owner = run.registry()
      const watching = run.registry({ lossProtection: false })
      for (const id of ['a', 'b']) await owner.register(input('orders', id))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['a', 'b'], slackMs)
      await server?.stop('kill')
      await server?.wipe()
      await server?.start()
      await run.lists(watching, 'orders', ['a', 'b'], capMs + 1_000 + slackMs)
      await owner.register(input('orders', 'c'))
      await follower.sees(['a', 'b', 'c'], capMs * 2 + slackMs)
    },
  ),

  contractCase(
    'W3 continues on a server that was restored from an older backup, and written to, while the watch was cut off',
    ['backUp', 'partition', 'connectDirect'],
    async (run) => {
      const { ttlMs, capMs, graceMs, slackMs } = run.times
      const watching = run.registry()
      const follower = run.follow(watching, 'orders')
      await run.direct().register(input('orders', 'a'))
      await follower.sees(['a'], slackMs)
      const backup = await run.harness.backUp?.()
      const second = run.direct()
      const later = await second.register(input('orders', 'b'))
      for (const weight of [1, 2, 3]) await later.update({ weight })
      await follower.until('the last update is seen', slackMs + ttlMs, ({ view }) => {
        return view.get('b')?.weight === 3
      })
      const cut = await run.harness.partition?.()
      await second.close()
      await backup?.restore()
      // beyond every revision that the watch has seen
      const third = run.direct()
      const other = await third.register(input('orders', 'c'))
      for (const weight of [1, 2, 3, 4, 5, 6, 7, 8]) await other.update({ weight })
      await run.lists(third, 'orders', ['a', 'c'], ttlMs + graceMs + slackMs)
      await cut?.[Symbol.asyncDispose]()
      await follower.sees(['a', 'c'], ttlMs + capMs * 2 + graceMs + slackMs)
      expect(follower.view.get('c')?.weight).toBe(8)
      await other.update({ weight: 9 })
      await follower.until('it follows from there', slackMs, ({ view }) => {
        return view.get('c')?.weight === 9
      })
    },
  ),

  contractCase(
    'W3 loses no change over a link that is cut repeatedly',
    ['cutAt', 'connectDirect'],
    async (run) => {
      const { ttlMs, capMs, slackMs } = run.times
      // where each instance has heartbeats of its own, those of 200 take the processors
      const owner = run.direct({ ttlMs: ttlMs * 5 })
      const watching = run.registry()
      const follower = run.follow(watching, 'orders')
      await follower.sees([], slackMs)
      const cutting = await run.harness.cutAt?.(4_000)
      const ids = Array.from({ length: 200 }, (_, index) => `i${index}`)
      const registrations = await Promise.all(ids.map((id) => owner.register(input('orders', id))))
      // changes continue until ten connections were cut, however fast the backend is
      let weight = 0
      await eventually('ten connections are cut', capMs * 10 + slackMs * 4, async () => {
        weight = (weight + 1) % 100
        await Promise.all(registrations.slice(0, 5).map((one) => one.update({ weight })))
        return (cutting?.cuts ?? 0) >= 10
      })
      await cutting?.[Symbol.asyncDispose]()
      await follower.sees(ids, capMs * 2 + slackMs * 2)
      await eventually('the last update is delivered', slackMs, () =>
        ids.slice(0, 5).every((id) => follower.view.get(id)?.weight === weight),
      )
    },
  ),

  contractCase(
    'W4 keeps the last known state, marked stale, while the backend is down',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, slackMs } = run.times
      const owner = run.registry()
      const watching = run.registry()
      for (const id of ['a', 'b']) await owner.register(input('orders', id))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['a', 'b'], slackMs)
      await server?.stop('kill')
      await eventually('it is stale', ttlMs + slackMs, () => follower.watcher.stale !== undefined)
      expect(follower.watcher.stale?.since).toBeInstanceOf(Date)
      expect(follower.watcher.stale?.cause.retryable).toBe(true)
      expect(idsOf(follower.watcher.instances)).toEqual(['a', 'b'])
      await eventually('the reader receives the stale event', slackMs, () =>
        follower.events.some(({ type }) => type === 'stale'),
      )
      await server?.start()
      await eventually(
        'it is fresh',
        capMs + slackMs * 2,
        () => follower.watcher.stale === undefined,
      )
      await eventually(
        'the reader receives the sync',
        slackMs,
        () => follower.events.at(-1)?.type === 'sync',
      )
    },
  ),

  contractCase(
    'W4 holds the removals of a large loss, and delivers them when the hold ends',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, slackMs } = run.times
      const staying = run.registry()
      const leaving = run.registry({ closeTimeoutMs: 500 })
      const watching = run.registry()
      await staying.register(input('orders', 'stays'))
      for (const id of ['b', 'c', 'd']) await leaving.register(input('orders', id))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['b', 'c', 'd', 'stays'], slackMs)
      await server?.stop('kill')
      await server?.wipe()
      await leaving.close()
      await server?.start()
      await eventually('the loss is held', capMs * 2 + slackMs * 2, () => {
        const { stale, held } = follower.watcher
        return stale === undefined && held.length === 3
      })
      expect(idsOf(follower.watcher.instances)).toEqual(['b', 'c', 'd', 'stays'])
      expect(follower.removed, 'how often each instance left').toEqual(new Map())
      const holdMs = ttlMs + capMs + 2_000
      await follower.sees(['stays'], holdMs + slackMs)
      expect(follower.removed.has('stays')).toBe(false)
      expect(follower.watcher.held).toEqual([])
    },
  ),

  contractCase(
    'W4 delivers no removal when every instance is back within the hold',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, slackMs } = run.times
      const owner = run.registry()
      const watching = run.registry()
      for (const id of ['a', 'b', 'c', 'd']) await owner.register(input('orders', id))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['a', 'b', 'c', 'd'], slackMs)
      await server?.stop('kill')
      await server?.wipe()
      await pass(ttlMs)
      await server?.start()
      await run.lists(watching, 'orders', ['a', 'b', 'c', 'd'], capMs + 1_000 + slackMs)
      await eventually('nothing is held', slackMs * 2, () => follower.watcher.held.length === 0)
      await throughout('no instance left', ttlMs, () => follower.removed.size === 0)
    },
  ),

  contractCase(
    'W5 merges changes for a reader that does not read, and delays no other reader',
    [],
    async (run) => {
      const { slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const a = await owner.register(input('orders', 'a'))
      await using lazy = other.watch('orders')
      const follower = run.follow(other, 'orders')
      await follower.sees(['a'], slackMs)
      await nextSync(lazy)
      for (let weight = 0; weight < 50; weight += 1) await a.update({ weight })
      const b = await owner.register(input('orders', 'b'))
      await b.deregister()
      // the last write: a view that contains it contains everything before it
      await owner.register(input('orders', 'z'))
      await follower.sees(['a', 'z'], slackMs)
      expect(follower.view.get('a')?.weight).toBe(49)
      const changes = await nextChanges(lazy)
      expect(changes.map(({ type, instance }) => `${type} ${instance.id}`).toSorted()).toEqual([
        'added z',
        'updated a',
      ])
    },
  ),

  contractCase('W6 delivers the removal of the last instance', [], async (run) => {
    const { slackMs } = run.times
    const owner = run.registry()
    const other = run.registry()
    const a = await owner.register(input('orders', 'a'))
    const follower = run.follow(other, 'orders')
    await follower.sees(['a'], slackMs)
    await a.deregister()
    await follower.sees([], slackMs)
    expect(follower.changes.at(-1)).toMatchObject({ type: 'removed', instance: { id: 'a' } })
    expect(follower.watcher.instances).toEqual([])
  }),

  contractCase(
    'W8 releases everything on break, signal, close and await using',
    [],
    async (run) => {
      const registry = run.registry()
      const watches = (): number => registry.health().watches.length
      for await (const event of registry.watch('one')) {
        if (event.type === 'sync') break
      }
      expect(watches()).toBe(0)

      const controller = new AbortController()
      const signalled = registry.watch('two', { signal: controller.signal })
      await nextSync(signalled)
      const pending = signalled.next()
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(pending).rejects.toBe(reason)
      expect(watches()).toBe(0)

      const closed = registry.watch('three')
      await nextSync(closed)
      const ending = closed.next()
      closed.close()
      expect(await ending).toBeUndefined()
      expect(await closed.next()).toBeUndefined()
      expect(watches()).toBe(0)
      {
        await using watcher = registry.watch('four')
        await nextSync(watcher)
        expect(watches()).toBe(1)
      }
      expect(watches()).toBe(0)
    },
  ),

  contractCase('W8 keeps the watch when only the wait of next is aborted', [], async (run) => {
    const registry = run.registry()
    await using watcher = registry.watch('orders')
    await nextSync(watcher)
    const reason = new Error('impatient')
    const controller = new AbortController()
    const waiting = watcher.next({ signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await registry.register(input('orders', 'a'))
    expect(await nextChanges(watcher)).toHaveLength(1)
    const follower = new Follower(watcher)
    await registry.register(input('orders', 'b'))
    await eventually('it delivers later changes', run.times.slackMs, () =>
      follower.changes.some(({ instance }) => instance.id === 'b'),
    )
    expect(follower.ended).toBe(false)
    watcher.close()
    await eventually('it ends', run.times.slackMs, () => follower.ended)
  }),
]
