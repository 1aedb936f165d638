import { type DriverSession, jsonFormat, type WireFormat } from '@sd/core/driver'
import { expect } from 'vitest'
import { idsOf as listedIds, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { idsOf, input } from '../contract-run.ts'
import { eventually, pass, throughout } from '../eventually.ts'
import { ref, request } from '../requests.ts'

/** A format without claims, like those of other systems. */
const withoutClaims: WireFormat = {
  ...jsonFormat,
  lacks: ['claim'],
  decode: (key, value) => {
    const decoded = jsonFormat.decode(key, value)
    if ('skipped' in decoded) return decoded
    const { claim: _, ...rest } = decoded
    return rest
  },
}

/** R3, R4, R5, R6: crashes, outages and recovery. */
export const recoveryCases: readonly ContractCase[] = [
  contractCase(
    'R3 removes the instance from list and watcher within ttl + grace after its owner was killed',
    ['startOwner'],
    async (run) => {
      const { ttlMs, graceMs, slackMs } = run.times
      const other = run.registry()
      const follower = run.follow(other, 'orders')
      const owner = await run.harness.startOwner?.(run.namespace, input('orders', 'a'), ttlMs)
      await follower.sees(['a'], slackMs)
      await owner?.kill()
      await follower.sees([], ttlMs + graceMs + slackMs)
      expect(await other.list('orders')).toEqual([])
    },
  ),

  contractCase(
    'R4 no watcher sees a blink when the server restarts with its data',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, slackMs } = run.times
      const owner = run.registry()
      const watching = run.registry()
      await owner.register(input('orders', 'a'))
      await owner.register(input('orders', 'b'))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['a', 'b'], slackMs)
      await server?.stop('kill')
      await server?.start()
      await eventually('the watch is fresh again', capMs + slackMs, () => watching.health().ok)
      await throughout('no instance leaves', ttlMs * 2, () => follower.removed.size === 0)
      await run.lists(watching, 'orders', ['a', 'b'], slackMs)
    },
  ),

  contractCase(
    'R4 no watcher sees a blink when the server is frozen for half a ttl',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      const watching = run.registry()
      for (const id of ['a', 'b', 'c']) await owner.register(input('orders', id))
      const follower = run.follow(watching, 'orders')
      await follower.sees(['a', 'b', 'c'], slackMs)
      await server?.pause()
      await pass(ttlMs / 2)
      await server?.resume()
      await throughout('no instance leaves', ttlMs * 2, () => follower.removed.size === 0)
      await run.lists(watching, 'orders', ['a', 'b', 'c'], slackMs)
    },
  ),

  contractCase('R4 no watcher sees a blink over a link that is slow', ['slow'], async (run) => {
    const { ttlMs, slackMs } = run.times
    const owner = run.registry()
    const watching = run.registry()
    const registration = await owner.register(input('orders', 'a'))
    const follower = run.follow(watching, 'orders')
    await follower.sees(['a'], slackMs)
    // keeps a round trip below the ttl/6 timeout of a heartbeat
    const slowed = await run.harness.slow?.(ttlMs / 20)
    await registration.update({ weight: 7 })
    await throughout('no instance leaves', ttlMs * 2, () => follower.removed.size === 0)
    expect(follower.view.get('a')?.weight).toBe(7)
    await slowed?.[Symbol.asyncDispose]()
  }),

  contractCase(
    'R5 restores a record that another client deleted, within a ttl',
    ['deleteRecord'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      await run.harness.deleteRecord?.(run.namespace, 'orders', 'a')
      expect(await owner.list('orders')).toEqual([])
      await run.lists(owner, 'orders', ['a'], ttlMs + slackMs)
      await eventually(
        'the status is registered again',
        slackMs,
        () => registration.status.state === 'registered',
      )
    },
  ),

  contractCase(
    'R5 restores a record that another client overwrote with garbage',
    ['writeRaw'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      await owner.register(input('orders', 'a'))
      await run.harness.writeRaw?.(
        run.namespace,
        'orders',
        'a',
        new TextEncoder().encode('{nonsense'),
      )
      await run.lists(owner, 'orders', ['a'], ttlMs + slackMs)
    },
  ),

  contractCase(
    'R5 comes back by itself after its session expired',
    ['expireSession'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      const { session } = owner.health()
      await run.harness.expireSession?.(session.id ?? '', run.namespace)
      await eventually('a new session is live', ttlMs + slackMs, () => {
        const now = owner.health().session
        return now.state === 'live' && now.id !== session.id
      })
      await run.lists(owner, 'orders', ['a'], slackMs)
      await eventually(
        'the status is registered again',
        slackMs,
        () => registration.status.state === 'registered',
      )
    },
  ),

  contractCase(
    'R5 comes back within cap + 1 s after the server was killed, wiped and down for 3 ttl',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, slackMs } = run.times
      const owner = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      await server?.stop('kill')
      await server?.wipe()
      await eventually('it recovers', ttlMs * 2, () => registration.status.state === 'recovering')
      await pass(ttlMs * 2)
      await server?.start()
      await run.lists(owner, 'orders', ['a'], capMs + 1_000 + slackMs)
      await eventually(
        'the status is registered again',
        slackMs,
        () => registration.status.state === 'registered',
      )
    },
  ),

  contractCase('R5 comes back after the server was frozen for 3 ttl', ['server'], async (run) => {
    const { server } = run.harness
    const { ttlMs, capMs, slackMs } = run.times
    const owner = run.registry()
    const watching = run.registry()
    for (const id of ['a', 'b', 'c']) await owner.register(input('orders', id))
    const follower = run.follow(watching, 'orders')
    await follower.sees(['a', 'b', 'c'], slackMs)
    await server?.pause()
    await eventually('the watcher knows', ttlMs * 2, () => follower.watcher.stale !== undefined)
    await pass(ttlMs * 2)
    await server?.resume()
    await run.lists(owner, 'orders', ['a', 'b', 'c'], capMs + 1_000 + slackMs)
    await follower.sees(['a', 'b', 'c'], capMs + slackMs)
    expect(follower.removed, 'how often each instance left').toEqual(new Map())
  }),

  contractCase(
    'R5 comes back after a partition longer than the ttl',
    ['partition'],
    async (run) => {
      const { ttlMs, capMs, graceMs, slackMs } = run.times
      const owner = run.registry()
      const outside = run.direct()
      await owner.register(input('orders', 'a'))
      const cut = await run.harness.partition?.()
      await run.lists(outside, 'orders', [], ttlMs + graceMs + slackMs)
      await cut?.[Symbol.asyncDispose]()
      await run.lists(outside, 'orders', ['a'], capMs + 1_000 + slackMs)
    },
  ),

  contractCase(
    'R6 leaves no ghost when it is deregistered while the backend is down',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, graceMs, slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      await owner.register(input('orders', 'b'))
      await server?.stop('kill')
      const gone = registration.deregister()
      expect(owner.health().pendingRemovals).toBe(1)
      await server?.start()
      await gone
      expect(idsOf(await other.list('orders'))).not.toContain('a')
      await run.lists(other, 'orders', ['b'], capMs + 1_000 + slackMs)
      const follower = run.follow(other, 'orders')
      await throughout(
        'no ghost',
        ttlMs + graceMs,
        () => !follower.changes.some((c) => c.instance.id === 'a'),
      )
    },
  ),

  contractCase(
    'R6 leaves no ghost when it is deregistered while it recovers from a wiped server',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, graceMs, slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      await owner.register(input('orders', 'b'))
      await server?.stop('kill')
      await server?.wipe()
      await eventually('it recovers', ttlMs * 2, () => registration.status.state === 'recovering')
      const gone = registration.deregister()
      await server?.start()
      await gone
      await run.lists(other, 'orders', ['b'], capMs + 1_000 + slackMs)
      const follower = run.follow(other, 'orders')
      await throughout(
        'no ghost',
        ttlMs + graceMs,
        () => !follower.changes.some((c) => c.instance.id === 'a'),
      )
    },
  ),

  contractCase(
    'R6 leaves no ghost when a registration is aborted on a frozen server',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { ttlMs, capMs, graceMs, slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      await owner.register(input('orders', 'b'))
      await server?.pause()
      const controller = new AbortController()
      const pending = owner.register(input('orders', 'a'), { signal: controller.signal })
      pending.catch(() => {})
      // long enough for the write to be under way
      await pass(ttlMs / 8)
      controller.abort(new Error('changed my mind'))
      await expect(pending).rejects.toThrow('changed my mind')
      await server?.resume()
      await eventually(
        'the removal is acknowledged',
        ttlMs + capMs + slackMs,
        () => owner.health().pendingRemovals === 0,
      )
      const follower = run.follow(other, 'orders')
      await throughout(
        'no ghost',
        ttlMs + graceMs,
        async () =>
          !follower.changes.some((c) => c.instance.id === 'a') &&
          !idsOf(await other.list('orders')).includes('a'),
      )
      await run.lists(other, 'orders', ['b'], slackMs)
    },
  ),

  contractCase(
    'R6 ends only the wait when the signal of deregister aborts',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { capMs, slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      await server?.stop('kill')
      const reason = new Error('not waiting')
      const controller = new AbortController()
      const gone = registration.deregister({ signal: controller.signal })
      controller.abort(reason)
      await expect(gone).rejects.toBe(reason)
      await server?.start()
      await run.lists(other, 'orders', [], capMs + 1_000 + slackMs)
      await eventually(
        'it is closed',
        capMs + slackMs,
        () => registration.status.state === 'closed',
      )
    },
  ),

  contractCase('R7 keeps the newer owner after the server was wiped', ['server'], async (run) => {
    const { server } = run.harness
    const { ttlMs, capMs, slackMs } = run.times
    const first = run.registry()
    const second = run.registry()
    const old = await first.register(input('orders', 'a', { metadata: { by: 'first' } }))
    const taken = await second.register(input('orders', 'a', { metadata: { by: 'second' } }))
    await server?.stop('kill')
    await server?.wipe()
    await server?.start()
    await eventually(
      'the newer is listed, the older is superseded',
      ttlMs * 2 + capMs + slackMs,
      async () =>
        (await second.list('orders'))[0]?.metadata['by'] === 'second' &&
        old.status.state === 'superseded',
    )
    expect(taken.status.state).not.toBe('superseded')
  }),

  contractCase(
    'R7 does not treat its own earlier session as a conflict',
    ['expireSession'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      const registration = await owner.register(input('orders', 'a'), { onConflict: 'reject' })
      const { session } = owner.health()
      await run.harness.expireSession?.(session.id ?? '', run.namespace)
      await eventually(
        'a new session is live',
        ttlMs + slackMs,
        () => owner.health().session.id !== session.id,
      )
      await eventually(
        'it is listed again',
        slackMs,
        () => registration.status.state === 'registered',
      )
    },
  ),

  contractCase(
    'R7 does not treat a record of its own earlier session as a conflict, also in a format without claims',
    [],
    async (run) => {
      const driver = run.driver({ format: withoutClaims })
      const earlier = await run.session(driver)
      const current = await run.session(driver)
      const rival = await run.session(run.driver({ format: withoutClaims }))
      const put = async (session: DriverSession): Promise<string | undefined> =>
        (await session.put([request('a', {}, { mode: 'if-absent' })], soon()))[0]?.result
      const remove = async (session: DriverSession): Promise<string | undefined> =>
        (await session.remove([ref('a')], soon()))[0]?.result
      expect(await put(earlier)).toBe('written')
      expect(await put(rival)).toBe('conflict')
      expect(await remove(rival)).toBe('not-ours')
      expect((await current.audit([ref('a')], soon()))[0]?.state).toBe('replaced')
      expect(await put(current)).toBe('written')
      expect((await current.audit([ref('a')], soon()))[0]?.state).toBe('ours')
      // closing the earlier session must not remove records of the present one
      await earlier.close(soon())
      expect(await listedIds(driver)).toEqual(['a'])
      expect(await remove(current)).toBe('removed')
    },
  ),

  contractCase(
    'R6 leaves no ghost when the server is restored from a backup of before the deregistration',
    ['backUp'],
    async (run) => {
      const { ttlMs, capMs, graceMs, slackMs } = run.times
      const other = run.registry({ lossProtection: false })
      const follower = run.follow(other, 'orders')
      const [owner, idle] = [run.registry(), run.registry()]
      await owner.register(input('orders', 'kept'))
      const leaving = [
        await owner.register(input('orders', 'gone')),
        // nothing else keeps this registry busy
        await idle.register(input('orders', 'last')),
      ]
      const backup = await run.harness.backUp?.()
      for (const registration of leaving) await registration.deregister()
      await follower.sees(['kept'], slackMs)
      await backup?.restore()
      const boundMs = ttlMs + graceMs + capMs + 1_000 + slackMs
      await run.lists(other, 'orders', ['kept'], boundMs)
      // by now every owner that is alive has renewed and audited its session
      await pass(ttlMs * 2)
      await run.lists(other, 'orders', ['kept'], 0)
      await follower.sees(['kept'], boundMs)
      expect(owner.health().registrations).toHaveLength(1)
    },
  ),

  contractCase('R9 keeps an update through recovery', ['server'], async (run) => {
    const { server } = run.harness
    const { capMs, slackMs } = run.times
    const owner = run.registry()
    const registration = await owner.register(input('orders', 'a'))
    await server?.stop('kill')
    const updated = registration.update({ weight: 7 })
    await server?.wipe()
    await server?.start()
    await updated
    await run.lists(owner, 'orders', ['a'], capMs + 1_000 + slackMs)
    expect((await owner.list('orders'))[0]?.weight).toBe(7)
  }),
]
