import type { ClientRequest } from 'node:http'
import { errorMonitor } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Pick } from '@sd/balancer'
import { codeOf } from './failure.ts'
import type { ServiceRoute } from './service-route.ts'

// errors of a connection that was refused, or of an unreachable host
const unreachedCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ETIMEDOUT',
])

/**
 * Reports to the balancer how a request of node:http went: when its response was read, when it
 * failed, or when the upgraded connection has closed. Uses `errorMonitor`, as a listener for
 * `error` would hide unhandled errors.
 */
export const reportOutcome = (
  request: ClientRequest,
  route: ServiceRoute,
  pick: Pick,
  ended: () => void,
): void => {
  const startedMs = performance.now()
  let failure: unknown
  route.active += 1
  const settle = (): void => {
    route.active -= 1
    pick.done({ latencyMs: performance.now() - startedMs, error: failure })
    ended()
  }
  request.once(errorMonitor, (error: Error) => {
    failure = error
    if (unreachedCodes.has(codeOf(error) ?? '')) route.refusals.refused(pick.instance.id)
  })
  request.once('socket', () => {
    if (route.refusals.any)
      request.socket?.once('connect', () => route.refusals.forget(pick.instance.id))
  })
  request.once('close', () => {
    const { res, upgradeOrConnect, socket } = request as ClientRequest & {
      // of Node's `_http_client.js`
      readonly res?: { readonly statusCode?: number } | null
      readonly upgradeOrConnect?: boolean
      readonly socket: Duplex | null
    }
    if (res?.statusCode !== undefined && res.statusCode >= 500) failure ??= res.statusCode
    if (upgradeOrConnect === true && socket !== null && !socket.destroyed)
      socket.once('close', settle)
    else settle()
  })
}

/** Fields of a node:http request that `@types/node` omits (`lib/_http_client.js`). */
interface RequestInternals {
  path: string
  ['_header']: string | null
  outputData?: { data: unknown }[]
  onSocket(socket: null, error?: Error): void
}

/**
 * Fails a request without a socket, as Node's agents do: `destroy` alone would wait for a socket.
 */
export const failRequest = (request: ClientRequest, error?: Error): void =>
  (request as unknown as RequestInternals).onSocket(null, error)

/**
 * Prepends an endpoint's path to a request's. If the head was already made while the request waited
 * for its instance, corrects the queued head.
 */
export const prependPath = (request: ClientRequest, prefix: string): void => {
  const internals = request as unknown as RequestInternals
  const line = `${request.method} ${request.path} `
  const corrected = `${request.method} ${prefix}${request.path} `
  const correct = (head: string): string =>
    head.startsWith(line) ? corrected + head.slice(line.length) : head
  request.path = prefix + request.path
  const { ['_header']: head } = internals
  if (head === null) return
  internals['_header'] = correct(head)
  const [first] = internals.outputData ?? []
  if (typeof first?.data === 'string') first.data = correct(first.data)
}
