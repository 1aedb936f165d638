import { abortable, type Clock, tlsRefusal } from '@sd/core/driver'
import type { Connection } from './connection/connection.ts'
import type { ZooKeeperClient } from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

/** Enough for a few rounds over silent hosts, whatever timeout is asked for. */
const leastMs = 3_000

/** For how long hosts are tried again that all refuse or hang up, as servers do while they start. */
const refusedMs = 1_000

/** The dependencies of `establishSession`. */
export interface Establishing {
  readonly client: ZooKeeperClient
  readonly connection: Connection
  readonly hosts: readonly string[]
  readonly sessionTimeoutMs: number
  readonly clock: Clock
  /** Sets the listener of attempts that failed. */
  readonly onFailed: (listener: () => void) => void
}

/**
 * Connects until there is a session. Gives up after the requested timeout; after a second when every
 * host refuses, hangs up or is no ZooKeeper server, so that the caller learns it before its own
 * deadline; at once when every host refuses the TLS handshake, as only new certificates change that.
 */
export const establishSession = async (
  { client, connection, hosts, sessionTimeoutMs, clock, onFailed }: Establishing,
  signal: AbortSignal,
): Promise<void> => {
  const boundMs = Math.max(leastMs, sessionTimeoutMs)
  const failure = (message: string): ZooKeeperError =>
    new ZooKeeperError('CONNECTION_LOSS', { operation: 'connect', message })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const givenUp = (afterMs: number): ZooKeeperError =>
    failure(`no session with ${hosts.join(', ')} within ${afterMs} ms; ${connection.trouble}`)
  const bound = clock.setTimer(boundMs, () => reject(givenUp(boundMs)))
  const beganMs = clock.monotonicMs()
  onFailed(() => {
    const troubles = [...connection.troubles.values()]
    if (troubles.length < hosts.length) return
    const tookMs = Math.round(clock.monotonicMs() - beganMs)
    const isRefused = tookMs >= refusedMs && !troubles.some(({ isSilent }) => isSilent)
    if (isRefused || troubles.every(({ why }) => tlsRefusal(why))) reject(givenUp(tookMs))
  })
  const unsubscribe = client.onState((state) => {
    if (state === 'connected') resolve()
    else reject(client.ended.reason ?? failure('the client was closed'))
  })
  connection.connect()
  try {
    await abortable(promise, signal)
  } finally {
    bound.cancel()
    unsubscribe()
  }
}
