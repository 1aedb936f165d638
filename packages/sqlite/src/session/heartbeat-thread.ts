import { serveHeartbeats, sleep } from '@sd/core/driver'
import { lockPauseMs } from '../client/store-client.ts'
import { backend, sessionGone, StoreError, toRegistryError } from '../errors.ts'
import { failureOf } from '../worker/failure.ts'
import type { StoreOptions } from '../worker/store-api.ts'
import { Store } from '../worker/store.ts'

// The worker thread of `heartbeat: 'worker'`. It opens the file itself, as the store's thread does only
// what the event loop asks for.
await serveHeartbeats(backend, (config, context) => {
  const { clock, random } = context
  const store = new Store(config as StoreOptions, (event) => context.report(event))
  /** Whether the session exists; `undefined` while the file is locked. */
  const attempt = (sessionId: string): boolean | undefined => {
    try {
      return store.renewSession(sessionId)
    } catch (thrown) {
      const error = new StoreError(failureOf(thrown))
      if (error.isLocked) return undefined
      throw toRegistryError(error, 'renew')
    }
  }
  return (sessionId) => ({
    renew: async (signal) => {
      for (;;) {
        signal.throwIfAborted()
        const exists = attempt(sessionId)
        if (exists === false) throw sessionGone('renew', sessionId)
        if (exists) return
        await sleep(clock, lockPauseMs(random), signal)
      }
    },
    release: () => {},
  })
})
