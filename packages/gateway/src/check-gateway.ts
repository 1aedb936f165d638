import type { Discovery } from '@sd/core'
import type { AccessLogOptions } from './access-log.ts'
import { check, checkWhole } from './check-routes.ts'
import type { FrontOptions, FrontTls } from './front.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { GatewayMetrics } from './prometheus-metrics.ts'

const fields = [
  'discovery',
  'routes',
  'trustedHops',
  'timeouts',
  'tls',
  'accessLog',
  'metrics',
  'adminApart',
] as const
const timeoutFields = ['headersMs', 'requestMs', 'keepAliveMs'] as const
const formats = ['json', 'combined']

/** A gateway's options without its routes, with their defaults. */
export interface CheckedGateway {
  readonly discovery: Discovery
  readonly trustedHops: number
  readonly front: FrontOptions
  readonly accessLog: AccessLogOptions | undefined
  readonly metrics: GatewayMetrics | undefined
  readonly adminApart: boolean
}

/** Checks the certificate for clients. `invalid-config` names the field at fault. */
export const checkFrontTls = (value: unknown): FrontTls | undefined => {
  if (value === undefined) return undefined
  check.object(value, ['cert', 'key'], 'tls')
  const { cert, key } = check.tls(value, true, '') ?? {}
  if (cert === undefined || key === undefined)
    return check.refuse('tls needs cert and key: the certificate for clients and its private key')
  return { cert, key }
}

/**
 * Checks everything but the routes.
 * @throws RegistryError `invalid-config`, naming the option
 */
export const checkGateway = (options: GatewayOptions): CheckedGateway => {
  check.object(options, fields)
  const { discovery, accessLog, metrics } = options
  if (typeof discovery?.watch !== 'function')
    check.expected(
      'discovery',
      discovery,
      'a registry: what createRegistry of @sd/registry returns',
    )
  const timeouts = check.object(options.timeouts ?? {}, timeoutFields, 'timeouts')
  const ms = (name: (typeof timeoutFields)[number], fallback: number): number =>
    checkWhole(`timeouts.${name}`, timeouts[name], fallback, 0, 2 ** 31 - 1)
  if (accessLog !== undefined) {
    const { format, write } = check.object(accessLog, ['format', 'write'], 'accessLog')
    if (!formats.includes(format as string))
      check.expected('accessLog.format', format, formats.join(' or '))
    if (typeof write !== 'function') check.expected('accessLog.write', write, 'a function')
  }
  return {
    discovery,
    trustedHops: checkWhole('trustedHops', options.trustedHops, 0, 0, 100),
    front: {
      tls: checkFrontTls(options.tls),
      headersMs: ms('headersMs', 60_000),
      requestMs: ms('requestMs', 300_000),
      keepAliveMs: ms('keepAliveMs', 72_000),
    },
    accessLog,
    metrics,
    adminApart: check.boolean('adminApart', options.adminApart) ?? false,
  }
}
