import { eventually } from '@sd/contract-tests'
import { createDriverContext, type DriverEvent } from '@sd/core/driver'
import { idsOf, orders, request, soon } from '@sd/contract-tests/world'
import { provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consul } from '../src/index.ts'
import { slackMs, ttlMs } from './registry-world.ts'
import { launchSecureServers } from './secure-servers.ts'

const controllable = (await provisionFor('consul')).how !== 'endpoint'

describe.runIf(controllable)("R13: heartbeat: 'worker'", () => {
  let servers: Awaited<ReturnType<typeof launchSecureServers>>
  beforeAll(async () => {
    servers = await launchSecureServers()
  })
  afterAll(() => servers?.[Symbol.asyncDispose]())

  test.each(['client-certificate', 'token'] as const)(
    'the thread passes the checks that the loop does not pass, over a connection with a %s',
    async (name) => {
      const events: DriverEvent[] = []
      const context = createDriverContext({ report: (event) => void events.push(event) })
      await using driver = consul({ ...servers.configs[name], heartbeat: 'worker' })(context)
      const session = await driver.openSession({ ttlMs }, soon())
      const failing = request('b', {}, { health: 'failing' })
      await session.put([request('a'), failing], soon())
      // a check lives for a second longer than its ttl
      const endMs = performance.now() + ttlMs + 1_000
      await eventually(
        'a renewal after the checks would have ended',
        2 * ttlMs + slackMs,
        () => (session.renewedMs?.() ?? 0) > endMs,
      )
      expect(await idsOf(driver)).toEqual(['a', 'b'])
      const { records } = await driver.list(orders, soon())
      expect(records.map(({ instance }) => instance.health).toSorted()).toEqual([
        'failing',
        'passing',
      ])
      await session.close(soon())
      expect(events).toEqual([])
    },
  )
})
