import { expect } from 'vitest'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { nextSync } from '../next-changes.ts'
import { input } from '../contract-run.ts'
import { eventually } from '../eventually.ts'

/** What an operator sees and changes of others' records. */
export const operatorCases: readonly ContractCase[] = [
  contractCase(
    'D6 says in its health whether the backend answers, and asks it with ping',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const { capMs, slackMs } = run.times
      const registry = run.registry()
      expect(registry.health()).toMatchObject({ ok: false, state: 'unknown' })
      await registry.ping()
      expect(registry.health()).toMatchObject({ ok: true, state: 'ok' })
      await server?.stop('kill')
      await expect(registry.ping()).rejects.toMatchObject({ retryable: true })
      const { ok, state, cause } = registry.health()
      expect([ok, state, cause?.retryable]).toEqual([false, 'unreachable', true])
      await server?.start()
      await eventually('it answers', capMs + slackMs * 2, () =>
        registry.ping().then(() => registry.health().ok),
      )
    },
  ),

  contractCase(
    'an operator reads who registered an instance, when and with which ttl, and removes its record',
    [],
    async (run) => {
      const { ttlMs, capMs, slackMs } = run.times
      const owner = run.registry()
      const operator = run.registry()
      const beforeMs = Date.now()
      const { instance } = await owner.register(input('orders', 'a', { weight: 7 }))
      const afterMs = Date.now()
      await run.lists(operator, 'orders', ['a'], run.visibleMs + slackMs)
      const { records, served, skipped } = await operator.records('orders')
      expect({ served, skipped }).toEqual({ served: records, skipped: [] })
      expect(records).toMatchObject([
        { instance, ttlMs: owner.health().session.grantedTtlMs, claim: { seq: 0 } },
      ])
      const [record] = served
      if (record?.claim === undefined) throw new Error('the record has no claim')
      expect(record.claim.owner).not.toBe('')
      for (const time of [record.registeredAtMs, record.claim.claimedAtMs]) {
        expect(time).toBeGreaterThanOrEqual(beforeMs)
        expect(time).toBeLessThanOrEqual(afterMs)
      }
      expect(await operator.records()).toMatchObject({ served: [{ instance }] })
      expect(await operator.records('nobody')).toEqual({ records: [], served: [], skipped: [] })

      const watcher = operator.watch('orders')
      await nextSync(watcher)
      expect(watcher.record('a')).toEqual(record)
      expect(watcher.record('nobody')).toBeUndefined()
      watcher.close()

      const rival = { ...record, claim: { ...record.claim, owner: 'somebody-else' } }
      expect(await operator.removeRecord(rival)).toBe('not-ours')
      // a removal with an unknown outcome is repeated, and then finds nothing
      expect(['removed', 'absent']).toContain(await operator.removeRecord(record))
      await run.lists(operator, 'orders', ['a'], ttlMs + capMs + slackMs)
    },
  ),
]
