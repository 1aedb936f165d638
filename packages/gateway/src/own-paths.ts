import type { ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** Answers a request for one of the gateway's own paths. */
export type OwnPath = (exchange: Exchange) => void

/** What the probes tell about. */
export interface Readiness {
  /** Why the gateway should get no requests; empty if it is ready. */
  readonly unready: readonly string[]
}

const answer = (exchange: Exchange, status: number, body: object): void => {
  const text = `${JSON.stringify(body)}\n`
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
  }
  ;(exchange.response as ServerResponse).writeHead(status, headers)
  exchange.end(exchange.method === 'HEAD' ? undefined : text)
}

/**
 * The paths that a gateway answers itself. `/healthz`: always 200. `/readyz`: 503 while the registry
 * has not answered for each route's service, and when the gateway drains. A registry that goes away
 * later does not make it unready: it forwards with the last known state.
 */
export const ownPaths = (gateway: Readiness): ReadonlyMap<string, OwnPath> =>
  new Map<string, OwnPath>([
    ['/healthz', (exchange) => answer(exchange, 200, { status: 'ok' })],
    [
      '/readyz',
      (exchange) => {
        const reasons = gateway.unready
        const ready = reasons.length === 0
        answer(exchange, ready ? 200 : 503, { status: ready ? 'ok' : 'not ready', reasons })
      },
    ],
  ])
