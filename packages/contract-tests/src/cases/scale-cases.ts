import { expect } from 'vitest'
import { type ContractCase, contractCase, largeContractCase } from '../contract-case.ts'
import { input } from '../contract-run.ts'
import { eventually } from '../eventually.ts'
import { nextSync } from '../next-changes.ts'

/** R10, R11, W7: many instances at once, and clean exits. */
export const scaleCases: readonly ContractCase[] = [
  largeContractCase('R10 registers many instances at once with one session', [], async (run) => {
    const { registry, calls } = run.counting()
    const ids = Array.from({ length: run.many }, (_, index) => `i${index}`)
    await Promise.all(ids.map((id) => registry.register(input('orders', id))))
    expect(calls.get('openSession')).toBe(1)
    await run.lists(registry, 'orders', ids, run.visibleMs + run.times.slackMs)
  }),

  largeContractCase(
    'R10 brings many instances back after a session loss',
    ['expireSession'],
    async (run) => {
      const { ttlMs, capMs, manyMs, slackMs } = run.times
      const owner = run.registry()
      const ids = Array.from({ length: run.many }, (_, index) => `i${index}`)
      await Promise.all(ids.map((id) => owner.register(input('orders', id))))
      const { session } = owner.health()
      await run.harness.expireSession?.(session.id ?? '', run.namespace)
      await eventually('a new session is live', ttlMs + capMs + slackMs, () => {
        const now = owner.health().session
        return now.state === 'live' && now.id !== session.id
      })
      await eventually(
        'all are listed again',
        capMs + 1_000 + manyMs + slackMs,
        () => owner.health().ok,
      )
      await run.lists(owner, 'orders', ids, run.visibleMs + slackMs)
    },
  ),

  contractCase('R10 affects no other instance when one is refused', [], async (run) => {
    const holder = run.registry()
    const owner = run.registry()
    await holder.register(input('orders', 'taken'))
    const results = await Promise.allSettled(
      ['a', 'taken', 'b'].map((id) =>
        owner.register(input('orders', id), { onConflict: 'reject' }),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await run.lists(holder, 'orders', ['a', 'b', 'taken'], run.visibleMs + run.times.slackMs)
  }),

  contractCase('R11 deregisters everything and ends every iteration on close', [], async (run) => {
    const owner = run.registry()
    const other = run.registry()
    const registration = await owner.register(input('orders', 'a'))
    await owner.register(input('users', 'b'))
    const own = run.follow(owner, 'orders')
    const follower = run.follow(other, 'orders')
    await own.sees(['a'], run.times.slackMs)
    await follower.sees(['a'], run.times.slackMs)
    await owner.close()
    expect(registration.status.state).toBe('closed')
    await run.lists(other, 'orders', [], run.visibleMs + run.times.slackMs)
    await run.lists(other, 'users', [], run.visibleMs + run.times.slackMs)
    await eventually('the iteration ended', run.times.slackMs, () => own.ended)
    await follower.sees([], run.times.slackMs)
    await expect(owner.list('orders')).rejects.toMatchObject({ code: 'closed' })
    await expect(owner.register(input('orders', 'a'))).rejects.toMatchObject({ code: 'closed' })
    expect(() => owner.watch('orders')).toThrow(/closed/)
    await owner.close()
  }),

  ...(['stop', 'pause'] as const).map((fault) =>
    contractCase(
      `R11 closes within its timeout while the server is ${fault === 'stop' ? 'down' : 'frozen'}`,
      ['server'],
      async (run) => {
        const { server } = run.harness
        const closeTimeoutMs = 1_500
        const owner = run.registry({ closeTimeoutMs })
        await owner.register(input('orders', 'a'))
        const follower = run.follow(owner, 'orders')
        await follower.sees(['a'], run.times.slackMs)
        const pending = owner.register(input('orders', 'b'), { waitFor: 'accepted' })
        await pending
        await (fault === 'stop' ? server?.stop('kill') : server?.pause())
        try {
          const beganMs = performance.now()
          await owner.close()
          expect(performance.now() - beganMs).toBeLessThan(closeTimeoutMs + run.times.slackMs)
          await eventually('the iteration ended', run.times.slackMs, () => follower.ended)
        } finally {
          await (fault === 'stop' ? server?.start() : server?.resume())
        }
      },
    ),
  ),

  largeContractCase(
    'W7 shares one watch of the backend among many watchers of a service',
    [],
    async (run) => {
      const { registry, calls } = run.counting()
      const watchers = Array.from({ length: run.many }, () => registry.watch('orders'))
      await Promise.all(watchers.map((watcher) => nextSync(watcher)))
      await registry.register(input('orders', 'a'))
      const [first] = watchers
      await eventually(
        'the view contains the instance',
        run.times.slackMs,
        () => first?.get('a') !== undefined,
      )
      const seconds = await Promise.all(watchers.map((watcher) => watcher.next()))
      expect(seconds.every((event) => event !== undefined)).toBe(true)
      expect(watchers.every((watcher) => watcher.instances === first?.instances)).toBe(true)
      expect(registry.health().watches).toMatchObject([{ readers: run.many }])
      // one, plus one for each time that an unreliable link broke it
      expect(calls.get('observe')).toBeLessThan(20)
      for (const watcher of watchers) watcher.close()
      expect(registry.health().watches).toEqual([])
    },
  ),
]
