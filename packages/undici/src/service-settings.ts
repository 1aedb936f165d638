import {
  createPicker,
  type PickerOptions,
  RetryBudget,
  type RetryBudgetOptions,
} from '@sd/balancer'
import type { CallRequest, ServiceOptions } from './dispatcher-options.ts'
import { checkObject, checkWhole, refuseOption } from './option-check.ts'
import { isHostName } from './service-address.ts'
import { Client, Pool } from './undici.ts'

/** The checked options of one service, with their defaults. */
export interface ServiceSettings {
  readonly balancer: PickerOptions
  readonly attempts: number
  readonly connectAttempts: number
  readonly statuses: ReadonlySet<number>
  readonly budget: Omit<RetryBudgetOptions, 'clock'>
  readonly replayBytes: number
  readonly tryMs: number
  readonly callMs: number
  readonly discoveryMs: number
  /** 0: no hedging. */
  readonly hedgeDelayMs: number
  readonly pool: Pool.Options
  readonly tlsName: string
  readonly key: string | ((request: CallRequest) => string | undefined) | undefined
}

/** Names of the options that may differ by service. */
export const serviceOptionNames: readonly (keyof ServiceOptions)[] = [
  'balancer',
  'retry',
  'replayBytes',
  'timeouts',
  'hedge',
  'pool',
  'tlsName',
  'key',
]

// the maximum of Node's timers
const maxMs = 2 ** 31 - 1

const checkStatuses = (field: string, value: unknown): ReadonlySet<number> => {
  if (value === undefined) return new Set()
  const valid = (status: unknown): boolean =>
    typeof status === 'number' && Number.isInteger(status) && status >= 300 && status <= 599
  if (!Array.isArray(value) || !value.every(valid))
    return refuseOption(
      field,
      Array.isArray(value) ? value.join(', ') : value,
      'a list of statuses from 300 to 599',
    )
  return new Set(value as number[])
}

const checkKey = (field: string, value: unknown): ServiceSettings['key'] => {
  if (value === undefined || typeof value === 'function') return value as ServiceSettings['key']
  if (typeof value !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value))
    return refuseOption(field, value, 'the name of a header or a function')
  return value.toLowerCase()
}

const poolOwned = {
  connectTimeout: 'timeouts.connectMs',
  socketPath: 'endpoints with host and port',
  factory: 'undici’s own pools',
} as const

const checkPool = (field: string, value: unknown, connectMs: number): Pool.Options => {
  if (value === undefined) return { connectTimeout: connectMs }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuseOption(field, value, "undici's options of a Pool")
  for (const [name, instead] of Object.entries(poolOwned))
    if (name in value) return refuseOption(`${field}.${name}`, 'given', instead)
  const options = { ...value, connectTimeout: connectMs }
  try {
    // undici checks half of the options only when it first connects; this checks them now
    void new Pool('http://localhost', options).destroy()
    void new Client('http://localhost', options).destroy()
  } catch (error) {
    return refuseOption(field, (error as Error).message, "undici's options of a Pool")
  }
  return options
}

const plain = (value: unknown): object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}

/** Merges a service's options over the common ones; `retry`, `timeouts` and `pool` by field. */
export const mergeOptions = (common: ServiceOptions, own: ServiceOptions): ServiceOptions => {
  const merged: Record<string, unknown> = { ...common }
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue
    const nested = name === 'retry' || name === 'timeouts' || name === 'pool'
    merged[name] =
      nested && plain(value) === value ? { ...plain(merged[name]), ...(value as object) } : value
  }
  return merged
}

/**
 * Checks the options of one service. `at` is the prefix of their names in errors.
 * @throws RegistryError `invalid-config`
 */
export const resolveService = (options: ServiceOptions, at = ''): ServiceSettings => {
  const retry =
    options.retry === undefined || options.retry === false
      ? {}
      : checkObject(`${at}retry`, options.retry, [
          'attempts',
          'connectAttempts',
          'statuses',
          'budget',
        ])
  const timeouts = checkObject(`${at}timeouts`, options.timeouts ?? {}, [
    'connectMs',
    'tryMs',
    'callMs',
    'discoveryMs',
  ])
  const hedge =
    options.hedge === undefined || options.hedge === false
      ? undefined
      : checkObject(`${at}hedge`, options.hedge, ['delayMs'])
  const { tlsName = 'url' } = options
  if (typeof tlsName !== 'string' || !isHostName(tlsName.toLowerCase()))
    refuseOption(`${at}tlsName`, tlsName, "'url', 'endpoint' or a host name")
  if (options.balancer !== undefined && plain(options.balancer) !== options.balancer)
    refuseOption(`${at}balancer`, options.balancer, 'an object: the options of @sd/balancer')
  const whole = (
    name: string,
    value: unknown,
    fallback: number,
    min: number,
    max: number,
  ): number => checkWhole(`${at}${name}`, value, fallback, min, max)
  const connectMs = whole('timeouts.connectMs', timeouts['connectMs'], 2_000, 0, maxMs)
  const disabled = options.retry === false
  const balancer = options.balancer ?? {}
  const budget = checkObject(`${at}retry.budget`, retry['budget'] ?? {}, [
    'ratio',
    'minPerSecond',
    'windowMs',
  ]) as ServiceSettings['budget']
  // the constructors check their options
  createPicker(balancer).close()
  void new RetryBudget(budget)
  return {
    balancer,
    attempts: disabled ? 1 : whole('retry.attempts', retry['attempts'], 5, 1, 10),
    connectAttempts: disabled
      ? 1
      : whole('retry.connectAttempts', retry['connectAttempts'], 10, 1, 100),
    statuses: checkStatuses(`${at}retry.statuses`, retry['statuses']),
    budget,
    replayBytes: whole('replayBytes', options.replayBytes, 65_536, 0, 2 ** 30),
    tryMs: whole('timeouts.tryMs', timeouts['tryMs'], 0, 0, maxMs),
    callMs: whole('timeouts.callMs', timeouts['callMs'], 0, 0, maxMs),
    discoveryMs: whole('timeouts.discoveryMs', timeouts['discoveryMs'], 5_000, 0, maxMs),
    hedgeDelayMs:
      hedge === undefined
        ? 0
        : hedge['delayMs'] === undefined
          ? refuseOption(`${at}hedge.delayMs`, undefined, 'a whole number of milliseconds')
          : whole('hedge.delayMs', hedge['delayMs'], 0, 1, maxMs),
    pool: checkPool(`${at}pool`, options.pool, connectMs),
    tlsName,
    key: checkKey(`${at}key`, options.key),
  }
}
