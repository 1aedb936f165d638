import type { Clock, Timer } from '@sd/core/driver'
import { closeSessionRequest } from './codec/requests.ts'
import type { Connection } from './connection/connection.ts'
import type { ZooKeeperClient } from './zookeeper-client.ts'

/** The dependencies of `endSession`. */
export interface Ending {
  readonly client: ZooKeeperClient
  readonly connection: Connection
  readonly clock: Clock
}

/**
 * Requests the end of the session, on this connection and later ones, until a server confirms it,
 * the session ends otherwise, or the signal aborts (then it returns `false`).
 */
export const endSession = async (
  { client, connection, clock }: Ending,
  signal: AbortSignal,
): Promise<boolean> => {
  if (signal.aborted) return false
  const request = closeSessionRequest()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let timeout: Timer | undefined
  const attempt = (): void => {
    timeout = clock.setTimer(connection.patienceMs, () =>
      connection.drop('the server did not answer the request to close the session'),
    )
    connection.send(request, (code) => {
      if (code === 0) resolve(true)
    })
  }
  const unsubscribe = client.onState((state) => {
    timeout?.cancel()
    if (state === 'connected') attempt()
    if (state === 'ended') resolve(true)
  })
  const aborted = (): void => resolve(false)
  signal.addEventListener('abort', aborted, { once: true })
  if (connection.isOpen) attempt()
  try {
    return await promise
  } finally {
    timeout?.cancel()
    unsubscribe()
    signal.removeEventListener('abort', aborted)
  }
}
