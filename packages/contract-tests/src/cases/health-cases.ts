import type { Registry } from '@sd/core'
import { expect } from 'vitest'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { type ContractRun, input } from '../contract-run.ts'
import { eventually } from '../eventually.ts'

/** Waits until that registry lists the one instance of `orders` with that health. */
const listsHealth = async (
  run: ContractRun,
  registry: Registry,
  health: string,
  deadlineMs: number = run.visibleMs + run.times.slackMs,
): Promise<void> => {
  let seen: unknown
  await eventually(
    `orders is listed as ${health}`,
    deadlineMs,
    async () => {
      seen = (await registry.list('orders')).map((instance) => instance.health)
      return JSON.stringify(seen) === JSON.stringify([health])
    },
    () => seen,
  )
}

/** R12: the health of an instance. */
export const healthCases: readonly ContractCase[] = [
  contractCase(
    'R12 publishes a health in place: nobody sees the instance leave',
    [],
    async (run) => {
      const { slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const registration = await owner.register(input('orders', 'a', { tags: ['x'] }))
      const follower = run.follow(other, 'orders')
      await follower.sees(['a'], slackMs)
      expect(follower.view.get('a')?.health).toBe('passing')
      for (const health of ['draining', 'failing', 'passing'] as const) {
        await registration.setHealth(health)
        if (run.visibleMs === 0) expect(await other.list('orders')).toMatchObject([{ health }])
        await follower.until(
          `the watcher has ${health}`,
          slackMs,
          ({ view }) => view.get('a')?.health === health,
        )
      }
      expect(follower.view.get('a')?.tags).toEqual(['x'])
      expect(follower.changes.filter(({ type }) => type === 'updated')).toHaveLength(3)
      expect(follower.removed, 'how often each instance left').toEqual(new Map())
      await expect(registration.setHealth('sick' as never)).rejects.toMatchObject({
        code: 'invalid-argument',
      })
    },
  ),

  contractCase('R12 registers an instance with a health', [], async (run) => {
    const owner = run.registry()
    const other = run.registry()
    const registration = await owner.register(input('orders', 'a', { health: 'failing' }))
    await listsHealth(run, other, 'failing')
    await registration.update({ weight: 3 })
    expect(await owner.list('orders')).toMatchObject([{ weight: 3, health: 'failing' }])
  }),

  contractCase(
    'R12 keeps a failing instance registered for longer than its ttl',
    [],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      const other = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      const follower = run.follow(other, 'orders')
      await follower.sees(['a'], slackMs)
      await registration.setHealth('failing')
      const sinceMs = performance.now()
      await eventually(
        'two ttls are over',
        ttlMs * 2 + slackMs,
        () => performance.now() - sinceMs > ttlMs * 2,
      )
      expect(await other.list('orders')).toMatchObject([{ health: 'failing' }])
      expect(registration.status.state).toBe('registered')
      expect(follower.removed, 'how often each instance left').toEqual(new Map())
    },
  ),

  contractCase(
    'R12 lets an operator change the health, or says that only the owner can',
    [],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const owner = run.registry()
      const operator = run.registry()
      const registration = await owner.register(input('orders', 'a'))
      await using driver = run.driver()
      const editing = operator.edit('orders', 'a', { health: 'draining' })
      if (driver.edit === undefined) {
        await expect(editing).rejects.toMatchObject({ code: 'unsupported' })
        return
      }
      expect(await editing).toBe('edited')
      await listsHealth(run, operator, 'draining')
      await eventually(
        'the owner has adopted it',
        ttlMs + slackMs,
        () => registration.instance.health === 'draining',
      )
      await registration.setHealth('passing')
      await listsHealth(run, operator, 'passing')
    },
  ),

  contractCase('R12 publishes what the check of its owner reports', [], async (run) => {
    const { slackMs } = run.times
    const [intervalMs, failuresBeforeFailing] = [100, 2]
    const noticedMs = failuresBeforeFailing * intervalMs + intervalMs + slackMs
    const owner = run.registry()
    const other = run.registry()
    let works = true
    await owner.register(input('orders', 'a'), {
      check: async () => works,
      intervalMs,
      failuresBeforeFailing,
    })
    const follower = run.follow(other, 'orders')
    await follower.sees(['a'], slackMs)
    works = false
    await listsHealth(run, other, 'failing', run.visibleMs + noticedMs)
    works = true
    await listsHealth(run, other, 'passing', run.visibleMs + noticedMs)
    // a list may be ahead of the watch
    const updates = (): number => follower.changes.filter(({ type }) => type === 'updated').length
    await eventually('the watcher receives both', slackMs, () => updates() >= 2)
    expect(updates()).toBe(2)
    expect(follower.removed, 'how often each instance left').toEqual(new Map())
  }),

  contractCase('R12 begins anew with a newer registration of the id', [], async (run) => {
    const { ttlMs, slackMs } = run.times
    const first = run.registry()
    const second = run.registry()
    const old = await first.register(input('orders', 'a'))
    await old.setHealth('failing')
    await second.register(input('orders', 'a'))
    // where claims are not compared in one step, readers converge to the higher one within a ttl
    const seenMs = run.capabilities.atomicClaim ? run.visibleMs : ttlMs
    await listsHealth(run, second, 'passing', seenMs + slackMs)
    await eventually(
      'the older is superseded',
      ttlMs + slackMs,
      () => old.status.state === 'superseded',
    )
    await expect(old.setHealth('failing')).rejects.toMatchObject({ code: 'conflict' })
  }),

  contractCase('R12 keeps a health after its session expired', ['expireSession'], async (run) => {
    const { ttlMs, slackMs } = run.times
    const owner = run.registry()
    const registration = await owner.register(input('orders', 'a'))
    await registration.setHealth('draining')
    const { session } = owner.health()
    await run.harness.expireSession?.(session.id ?? '', run.namespace)
    await eventually('another session is live', ttlMs + slackMs, () => {
      const now = owner.health().session
      return now.state === 'live' && now.id !== session.id
    })
    await listsHealth(run, owner, 'draining', slackMs)
  }),

  contractCase('R12 keeps a health through recovery', ['server'], async (run) => {
    const { server } = run.harness
    const { capMs, slackMs } = run.times
    const owner = run.registry()
    const registration = await owner.register(input('orders', 'a'))
    await registration.setHealth('failing')
    await server?.stop('kill')
    await server?.wipe()
    await server?.start()
    await listsHealth(run, owner, 'failing', capMs + 1_000 + slackMs)
  }),
]
