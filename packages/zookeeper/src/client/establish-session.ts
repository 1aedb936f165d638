import { abortable, type Clock, tlsRefusal } from '@sd/core/driver'
import type { Connection } from './connection/connection.ts'
import type { ZooKeeperClient } from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

/** Enough for a few rounds over silent hosts, whatever timeout is asked for. */
const leastMs = 3_000

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
 * Connects until there is a session. Gives up after the requested timeout, at once when every host
 * refuses the TLS handshake: only new certificates can change that.
 */
export const establishSession = async (
  { client, connection, hosts, sessionTimeoutMs, clock, onFailed }: Establishing,
  signal: AbortSignal,
): Promise<void> => {
  const boundMs = Math.max(leastMs, sessionTimeoutMs)
  const failure = (message: string): ZooKeeperError =>
    new ZooKeeperError('CONNECTION_LOSS', { operation: 'connect', message })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const bound = clock.setTimer(boundMs, () => {
    const trouble = `no session with ${hosts.join(', ')} within ${boundMs} ms`
    reject(failure(`${trouble}; ${connection.trouble}`))
  })
  onFailed(() => {
    const refusals = [...connection.troubles.values()].filter((why) => tlsRefusal(why))
    if (refusals.length === hosts.length) reject(failure(connection.trouble))
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
