import type { ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'
import { refusal } from './problem.ts'
import type { GatewayMetrics } from './prometheus-metrics.ts'

/** Answers a request for one of the gateway's own paths. */
export type OwnPath = (exchange: Exchange) => void

/** What the probes tell about. */
export interface Readiness {
  /** Why the gateway should get no requests; empty if it is ready. */
  readonly unready: readonly string[]
}

const answer = (exchange: Exchange, status: number, type: string, text: string): void => {
  const length = Buffer.byteLength(text)
  const headers = {
    'content-type': type,
    'content-length': String(length),
    'cache-control': 'no-store',
  }
  ;(exchange.response as ServerResponse).writeHead(status, headers)
  if (exchange.method === 'HEAD') {
    exchange.end()
    return
  }
  exchange.responseBytes += length
  exchange.end(text)
}

const answerJson = (exchange: Exchange, status: number, body: object): void =>
  answer(exchange, status, 'application/json', `${JSON.stringify(body)}\n`)

const answerMetrics = async (exchange: Exchange, metrics: GatewayMetrics): Promise<void> => {
  try {
    answer(exchange, 200, 'text/plain; version=0.0.4; charset=utf-8', await metrics.text())
  } catch (error) {
    exchange.refuse(refusal('internal', 'the figures could not be collected', undefined, error))
  }
}

/**
 * The paths that a gateway answers itself. `/healthz`: always 200. `/readyz`: 503 while the registry
 * has not answered for each route's service, and when the gateway drains. A registry that goes away
 * later does not make it unready: it forwards with the last known state. `/metrics`: the figures.
 */
export const ownPaths = (
  gateway: Readiness,
  metrics: GatewayMetrics | undefined,
): ReadonlyMap<string, OwnPath> =>
  new Map<string, OwnPath>([
    ['/healthz', (exchange) => answerJson(exchange, 200, { status: 'ok' })],
    [
      '/readyz',
      (exchange) => {
        const reasons = gateway.unready
        const ready = reasons.length === 0
        answerJson(exchange, ready ? 200 : 503, { status: ready ? 'ok' : 'not ready', reasons })
      },
    ],
    ...(metrics === undefined
      ? []
      : [['/metrics', (exchange: Exchange) => void answerMetrics(exchange, metrics)] as const]),
  ])
