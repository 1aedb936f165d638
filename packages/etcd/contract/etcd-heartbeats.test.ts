import { eventually } from '@sd/contract-tests'
import { createDriverContext, type DriverEvent } from '@sd/core/driver'
import { soon } from '@sd/contract-tests/world'
import { provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { etcd } from '../src/index.ts'
import { slackMs, ttlMs } from './registry-world.ts'
import { launchSecureServers } from './secure-servers.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'

describe.runIf(controllable)("R13: heartbeat: 'worker'", () => {
  let servers: Awaited<ReturnType<typeof launchSecureServers>>
  beforeAll(async () => {
    servers = await launchSecureServers()
  })
  afterAll(() => servers?.[Symbol.asyncDispose]())

  test.each(['client-certificate', 'password'] as const)(
    'the thread keeps a lease that the loop does not renew, over a connection with a %s',
    async (name) => {
      const events: DriverEvent[] = []
      const context = createDriverContext({ report: (event) => void events.push(event) })
      await using driver = etcd({ ...servers.configs[name], heartbeat: 'worker' })(context)
      const openedMs = performance.now()
      const session = await driver.openSession({ ttlMs }, soon())
      await eventually(
        'a renewal after the ttl',
        2 * ttlMs + slackMs,
        () => (session.renewedMs?.() ?? 0) > openedMs + session.grantedTtlMs,
      )
      // throws if the lease had ended
      await session.renew(soon())
      await session.close(soon())
      expect(events).toEqual([])
    },
  )
})
