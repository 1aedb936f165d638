import { RegistryError } from '@sd/core'
import { jsonFormat, type WireFormat } from '@sd/core/driver'
import { expect } from 'vitest'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { idsOf, input } from '../contract-run.ts'
import { eventually, throughout } from '../eventually.ts'

const laterFields = { region: { name: 'eu' }, drainMs: 500 }

/** The default format of a later version, which has two more fields. */
const laterFormat: WireFormat = {
  ...jsonFormat,
  encode: (request) => jsonFormat.encode({ ...request, unknownFields: laterFields }),
}

/** R1, R2, R7, R8, R9: registering, deregistering, and ownership of ids. */
export const registrationCases: readonly ContractCase[] = [
  contractCase(
    'R1 lists the instance from another client once register resolves',
    [],
    async (run) => {
      const owner = run.registry()
      const other = run.registry()
      await owner.register(
        input('orders', 'a', {
          version: '1.4.0',
          zone: 'eu-1a',
          weight: 10,
          tags: ['canary'],
          metadata: { commit: 'abc' },
          endpoints: ['http://10.0.0.7:8080', 'grpc://10.0.0.7:9090'],
        }),
      )
      if (run.visibleMs > 0) await run.lists(other, 'orders', ['a'], run.visibleMs)
      expect(await other.list('orders')).toEqual([
        {
          service: 'orders',
          id: 'a',
          version: '1.4.0',
          zone: 'eu-1a',
          weight: 10,
          health: 'passing',
          tags: ['canary'],
          metadata: { commit: 'abc' },
          endpoints: ['http://10.0.0.7:8080', 'grpc://10.0.0.7:9090'],
        },
      ])
      expect(await other.listServices()).toEqual(['orders'])
    },
  ),

  contractCase('R2 lists the instance nowhere once deregister resolves', [], async (run) => {
    const owner = run.registry()
    const other = run.registry()
    const follower = run.follow(other, 'orders')
    const registration = await owner.register(input('orders', 'a'))
    await owner.register(input('orders', 'b'))
    await follower.sees(['a', 'b'], run.times.slackMs)
    await registration.deregister()
    if (run.visibleMs > 0) await run.lists(other, 'orders', ['b'], run.visibleMs)
    expect(idsOf(await other.list('orders'))).toEqual(['b'])
    await follower.sees(['b'], run.times.slackMs)
    expect(registration.status.state).toBe('closed')
    await registration.deregister()
  }),

  contractCase('R7 lets the newer registration take over at once', [], async (run) => {
    const first = run.registry()
    const second = run.registry()
    const watching = run.registry()
    const old = await first.register(input('orders', 'a', { metadata: { by: 'first' } }))
    const follower = run.follow(watching, 'orders')
    await follower.sees(['a'], run.times.slackMs)
    const taken = await second.register(input('orders', 'a', { metadata: { by: 'second' } }))
    // where claims are not compared in one step, readers converge to the higher one within a ttl
    const { ttlMs, slackMs } = run.times
    const seenMs = run.capabilities.atomicClaim ? run.visibleMs : ttlMs + slackMs
    await eventually(
      'the newer is listed',
      seenMs,
      async () => (await watching.list('orders'))[0]?.metadata['by'] === 'second',
    )
    await eventually(
      'the older is superseded',
      run.times.ttlMs + run.times.slackMs,
      () => old.status.state === 'superseded',
    )
    await expect(old.update({ weight: 1 })).rejects.toMatchObject({ code: 'conflict' })
    await old.deregister()
    expect(idsOf(await watching.list('orders'))).toEqual(['a'])
    expect(follower.removed, 'how often each instance left').toEqual(new Map())
    expect(taken.status.state).toBe('registered')
  }),

  contractCase(
    'R7 refuses a second registration with reject while the first is alive',
    [],
    async (run) => {
      const first = run.registry()
      const second = run.registry()
      const held = await first.register(input('orders', 'a'), { onConflict: 'reject' })
      const refused = second.register(input('orders', 'a'), { onConflict: 'reject' })
      await expect(refused).rejects.toMatchObject({ code: 'conflict', service: 'orders' })
      await expect(refused).rejects.toBeInstanceOf(RegistryError)
      expect(second.health().registrations).toEqual([])
      await held.deregister()
      const free = await second.register(input('orders', 'a'), { onConflict: 'reject' })
      expect(free.status.state).toBe('registered')
    },
  ),

  contractCase('R7 yields to another owner, and never takes over its record', [], async (run) => {
    const { ttlMs, slackMs } = run.times
    const mirror = run.registry()
    const real = run.registry()
    const watching = run.registry()
    const by = (name: string) => input('orders', 'a', { metadata: { by: name } })
    const mirrored = await mirror.register(by('mirror'), { onConflict: 'yield' })
    const follower = run.follow(watching, 'orders')
    await follower.sees(['a'], slackMs)
    await real.register(by('owner'))
    await eventually(
      'the watcher receives the owner',
      ttlMs + slackMs,
      () => follower.view.get('a')?.metadata['by'] === 'owner',
    )
    await eventually(
      'the mirror is superseded',
      ttlMs + slackMs,
      () => mirrored.status.state === 'superseded',
    )
    await expect(mirror.register(by('mirror'), { onConflict: 'yield' })).rejects.toMatchObject({
      code: 'conflict',
    })
    expect((await watching.list('orders'))[0]?.metadata['by']).toBe('owner')
    expect(follower.removed, 'how often each instance left').toEqual(new Map())
  }),

  contractCase('R9 updates in place, and the last call wins', [], async (run) => {
    const owner = run.registry()
    const other = run.registry()
    const registration = await owner.register(input('orders', 'a', { tags: ['x'] }))
    const follower = run.follow(other, 'orders')
    await follower.sees(['a'], run.times.slackMs)
    await Promise.all(Array.from({ length: 20 }, (_, weight) => registration.update({ weight })))
    await eventually(
      'the watcher has the last weight',
      run.times.slackMs,
      () => follower.view.get('a')?.weight === 19,
    )
    expect(follower.view.get('a')?.tags).toEqual(['x'])
    expect(follower.removed, 'how often each instance left').toEqual(new Map())
    await registration.deregister()
    await expect(registration.update({ weight: 1 })).rejects.toMatchObject({ code: 'closed' })
  }),

  contractCase(
    'R9 adopts an edit by another client, or refuses it where only the owner can change a record',
    [],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const registration = await owner.register(
        input('orders', 'a', { tags: ['x'], metadata: { commit: 'abc' } }),
      )
      await using driver = run.driver()
      if (driver.edit === undefined) {
        for (const change of [{ weight: 7 }, { metadata: { commit: 'def' } }])
          await expect(other.edit('orders', 'a', change)).rejects.toMatchObject({
            code: 'unsupported',
          })
        return
      }
      const follower = run.follow(other, 'orders')
      await follower.sees(['a'], slackMs)
      await expect(other.edit('orders', 'a', { weight: -1 })).rejects.toMatchObject({
        code: 'invalid-argument',
      })
      expect(await other.edit('orders', 'nobody', { weight: 7 })).toBe('absent')
      expect(await other.edit('orders', 'a', { weight: 7 })).toBe('edited')
      await eventually(
        'the watcher has the edit',
        slackMs,
        () => follower.view.get('a')?.weight === 7,
      )
      // once the owner has seen the edit, its updates are based on it
      await eventually(
        'the owner has adopted it',
        ttlMs + slackMs,
        () => registration.instance.weight === 7,
      )
      await registration.update({ zone: 'eu-1b' })
      expect(await other.list('orders')).toMatchObject([{ weight: 7, zone: 'eu-1b', tags: ['x'] }])
      const metadata = { commit: 'def', by: 'operator' }
      expect(await other.edit('orders', 'a', { metadata })).toBe('edited')
      await eventually(
        'the watcher has the metadata',
        slackMs,
        () => follower.view.get('a')?.metadata['by'] === 'operator',
      )
      await eventually(
        'the owner has adopted the metadata',
        ttlMs + slackMs,
        () => registration.instance.metadata['by'] === 'operator',
      )
      await registration.update({ weight: 8 })
      expect(await other.list('orders')).toMatchObject([{ weight: 8, metadata, tags: ['x'] }])
      expect(follower.removed, 'how often each instance left').toEqual(new Map())
    },
  ),

  contractCase(
    'R9 keeps the fields of a record that this version does not know',
    [],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const later = run.registry({ format: laterFormat })
      const current = run.registry()
      const fields = async (id: string): Promise<unknown> => {
        const { served } = await current.records('orders')
        return served.find(({ instance }) => instance.id === id)?.unknownFields
      }
      await later.register(input('orders', 'a'))
      expect(await fields('a')).toEqual(laterFields)
      await using driver = run.driver()
      if (driver.edit === undefined) return
      expect(await current.edit('orders', 'a', { weight: 7 })).toBe('edited')
      expect(await fields('a')).toEqual(laterFields)
      const registration = await current.register(input('orders', 'b'))
      expect(await later.edit('orders', 'b', { weight: 7 })).toBe('edited')
      await eventually(
        'the owner has adopted the edit',
        ttlMs + slackMs,
        () => registration.instance.weight === 7,
      )
      await registration.update({ zone: 'eu-1b' })
      expect(await fields('b')).toEqual(laterFields)
    },
  ),

  contractCase('R9 refuses an invalid update before it changes anything', [], async (run) => {
    const owner = run.registry()
    const registration = await owner.register(input('orders', 'a'))
    await expect(registration.update({ weight: -1 })).rejects.toMatchObject({
      code: 'invalid-argument',
    })
    expect((await owner.list('orders'))[0]?.weight).toBe(100)
  }),

  contractCase(
    'R8 keeps trying while the backend is down, and is listed when the backend is back',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const owner = run.registry()
      await server?.stop('kill')
      let registered = false
      const pending = owner.register(input('orders', 'a')).then((registration) => {
        registered = true
        return registration
      })
      const accepted = await owner.register(input('orders', 'b'), { waitFor: 'accepted' })
      await eventually(
        'both are pending, with a cause',
        run.times.ttlMs,
        () =>
          owner.health().registrations.length === 2 &&
          owner.health().registrations.every(({ status }) => status.cause !== undefined),
      )
      expect(registered).toBe(false)
      expect(accepted.status.state).toBe('registering')
      await server?.start()
      await pending
      await eventually(
        'b is registered too',
        run.times.slackMs,
        () => accepted.status.state === 'registered',
      )
      expect(idsOf(await owner.list('orders'))).toEqual(['a', 'b'])
    },
  ),

  contractCase(
    'R8 removes a pending registration when its signal aborts',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      await server?.stop('kill')
      const controller = new AbortController()
      const pending = owner.register(input('orders', 'a'), { signal: controller.signal })
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(pending).rejects.toBe(reason)
      await server?.start()
      await run.lists(owner, 'orders', [], slackMs)
      await throughout(
        'nothing is listed',
        ttlMs,
        async () => (await owner.list('orders')).length === 0,
      )
    },
  ),

  contractCase(
    'R8 rejects with the reason of a signal that has already aborted',
    [],
    async (run) => {
      const owner = run.registry()
      const reason = new Error('too late')
      const signal = AbortSignal.abort(reason)
      await expect(owner.register(input('orders', 'a'), { signal })).rejects.toBe(reason)
      await expect(owner.list('orders', { signal })).rejects.toBe(reason)
      expect(await owner.list('orders')).toEqual([])
    },
  ),
]
