import { abortable, type Clock } from '@sd/core/driver'
import type { Connection } from './connection.ts'
import type { ZooKeeperClient } from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

/** The dependencies of `establishSession`. */
export interface Establishing {
  readonly client: ZooKeeperClient
  readonly connection: Connection
  readonly hosts: readonly string[]
  readonly sessionTimeoutMs: number
  readonly clock: Clock
}

/**
 * Connects until there is a session. Gives up after every host had more than enough time for a
 * handshake: the library would try for ever.
 */
export const establishSession = async (
  { client, connection, hosts, sessionTimeoutMs, clock }: Establishing,
  signal: AbortSignal,
): Promise<void> => {
  const boundMs = Math.max(sessionTimeoutMs, (hosts.length + 1) * connection.handshakeMs)
  const failure = (message: string): ZooKeeperError =>
    new ZooKeeperError('CONNECTION_LOSS', { operation: 'connect', message })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const bound = clock.setTimer(boundMs, () => {
    const trouble = `no session with ${hosts.join(', ')} within ${boundMs} ms`
    reject(failure(`${trouble}; the last failure: ${connection.trouble}`))
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
