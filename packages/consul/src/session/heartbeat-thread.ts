import { RegistryError } from '@sd/core'
import { serveHeartbeats } from '@sd/core/driver'
import { parseJson } from '../catalog/service-entry.ts'
import { ConsulClient } from '../client/consul-client.ts'
import type { ConsulConfig } from '../config.ts'
import { backend, consulError } from '../errors.ts'
import { sessionChecks } from '../keys.ts'
import { passChecks } from './pass-checks.ts'
import type { PassedCheck, PassingContext } from './session-context.ts'

/** A check as the agent lists it. */
interface ListedCheck {
  readonly ServiceName?: string
}

// The worker thread of `heartbeat: 'worker'`. It asks the agent for the checks of a session, and passes
// them: a list from the event loop could be that of before the block began.
await serveHeartbeats(backend, (config, { clock }) => {
  const client = new ConsulClient(config as ConsulConfig, clock)
  return (sessionId, ttlMs) => {
    const path = `agent/checks?filter=${encodeURIComponent(sessionChecks(sessionId))}`
    const published = new Map<string, PassedCheck>()
    const beating: PassingContext = {
      ttlMs,
      clock,
      catalog: { client },
      published,
      heartbeat: undefined,
    }
    return {
      renew: async (signal) => {
        const query = { pool: 'heartbeats', path, operation: 'renew' } as const
        const { text } = await client.read(query, signal)
        const listed = parseJson(text, 'renew') as Readonly<Record<string, ListedCheck>>
        for (const id of published.keys()) if (!(id in listed)) published.delete(id)
        for (const [checkId, { ServiceName: service = '' }] of Object.entries(listed))
          if (!published.has(checkId))
            published.set(checkId, { service, checkId, passedMs: -Infinity, accepted: true })
        await passChecks(beating, signal).catch((error: unknown) => {
          // the loop may have removed the checks since they were listed: only a list could show a loss
          if (!(error instanceof RegistryError) || error.code !== 'session-lost') throw error
          throw consulError('unavailable', 'renew', 'checks of the session were removed meanwhile')
        })
      },
      release: () => {},
    }
  }
})
