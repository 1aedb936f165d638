import { expect } from 'vitest'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { input } from '../contract-run.ts'

/** R13: owners whose event loop is blocked, with `heartbeat: 'worker'`. */
export const blockedLoopCases: readonly ContractCase[] = [
  contractCase(
    'R13 keeps the instance while the event loop of its owner is blocked for longer than the ttl',
    ['startWorkerOwner'],
    async (run) => {
      const { ttlMs, graceMs, slackMs } = run.times
      const blockMs = 1.5 * ttlMs + graceMs
      const owner = await run.harness.startWorkerOwner?.(run.namespace, input('orders', 'a'), ttlMs)
      try {
        const follower = run.follow(run.registry())
        await follower.sees(['a'], slackMs)
        expect(await owner?.block(blockMs), 'the session').toBe(owner?.sessionId)
        expect(follower.removed, 'how often each instance left').toEqual(new Map())
        await run.lists(run.registry(), 'orders', ['a'], slackMs)
      } finally {
        await owner?.kill()
      }
    },
  ),

  contractCase(
    'R13 removes the instance when the event loop of its owner is blocked beyond maxBlockMs, until it runs again',
    ['startWorkerOwner'],
    async (run) => {
      const { ttlMs, graceMs, capMs, slackMs } = run.times
      const goneMs = ttlMs + ttlMs + graceMs // maxBlockMs, then the ttl
      const owner = await run.harness.startWorkerOwner?.(
        run.namespace,
        input('orders', 'a'),
        ttlMs,
        ttlMs,
      )
      try {
        const follower = run.follow(run.registry())
        await follower.sees(['a'], slackMs)
        expect(await owner?.block(goneMs), 'the session').not.toBe(owner?.sessionId)
        expect(follower.removed.get('a'), 'how often it left').toBe(1)
        await follower.sees(['a'], ttlMs + capMs + slackMs)
      } finally {
        await owner?.kill()
      }
    },
  ),
]
