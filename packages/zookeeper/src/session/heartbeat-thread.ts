import { serveHeartbeats } from '@sd/core/driver'
import { createHostRotation } from '../client/create-client.ts'
import { secureOptionsOf } from '../client/secure-options.ts'
import type { ZooKeeperConfig } from '../config.ts'
import { backend } from '../errors.ts'
import { SessionTakeover } from './session-takeover.ts'

// The worker thread of `heartbeat: 'worker'`. It takes a session from the connection of the event loop only
// while the loop is blocked.
await serveHeartbeats(backend, (given, context) => {
  const config = given as ZooKeeperConfig
  const secureOptions = secureOptionsOf(config)
  const { clock } = context
  return (id, ttlMs, password = '') => {
    const rotation = createHostRotation({ ...config, sessionTimeoutMs: ttlMs, context })
    return new SessionTakeover({ id, password, ttlMs, rotation, secureOptions, clock })
  }
})
