import type { Logger } from './runtime/diagnostics.ts'
import { type Clock, systemClock } from './runtime/clock.ts'
import { type Random, systemRandom } from './runtime/random.ts'
import type { WireFormat } from './driver/wire-format.ts'
import { RegistryError } from './registry-error.ts'
import { jsonFormat } from './driver/json-format.ts'
import { type BackoffOptions, maxTimerMs, returnMs } from './runtime/timing.ts'

/** Protection against a registry that comes back without its data (guarantee W4). */
export interface LossProtectionOptions {
  /** Removals beyond this share of the last confirmed view are held. 0…1, default 0.5. */
  readonly maxFraction?: number | undefined
  /** How long a removal is held. Default and minimum: `ttlMs` + the backoff cap + 2 s. */
  readonly holdMs?: number | undefined
  /**
   * The longest hold. The ttl in an owner's record extends the hold only up to this limit, as any
   * writer can store any ttl. Default 300,000 ms; at least `holdMs`.
   */
  readonly maxHoldMs?: number | undefined
  /** Smaller views are not protected. Default 3 instances. */
  readonly minInstances?: number | undefined
}

/** The options of a registry, for every backend. All are optional. */
export interface RegistryOptions {
  /** How long an owner may be silent before its instances are removed. Default 10,000 ms. */
  readonly ttlMs?: number | undefined
  /** Deadline of one call to the backend. Default 3,000 ms. */
  readonly callTimeoutMs?: number | undefined
  /** Deadline of `close()`. Default 5,000 ms. */
  readonly closeTimeoutMs?: number | undefined
  /** Delays between retries. Default 100 ms … 5 s, full jitter. */
  readonly backoff?: Partial<BackoffOptions> | undefined
  /** `false` disables loss protection. */
  readonly lossProtection?: LossProtectionOptions | false | undefined
  /**
   * Receives log lines. `false`: nothing is logged, as with a registry that is constructed without
   * one. `createRegistry` without a logger writes the first outage to stderr.
   */
  readonly logger?: Logger | false | undefined
  /** The format of records. Default: one JSON document. */
  readonly format?: WireFormat | undefined
  /** For tests: the clock that core and the driver use. */
  readonly clock?: Clock | undefined
  /** For tests: the randomness that core and the driver use. */
  readonly random?: Random | undefined
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly backoff: BackoffOptions
  readonly lossProtection:
    | {
        readonly maxFraction: number
        readonly holdMs: number
        readonly maxHoldMs: number
        readonly minInstances: number
      }
    | undefined
  readonly logger: Logger | undefined
  readonly format: WireFormat
  readonly clock: Clock
  readonly random: Random
}

/** The longest hold that an owner's ttl alone can cause. */
const defaultMaxHoldMs = 300_000

/** The keys of `RegistryOptions`, for callers that refuse unknown ones. */
export const registryOptionKeys: readonly (keyof RegistryOptions)[] = [
  'ttlMs',
  'callTimeoutMs',
  'closeTimeoutMs',
  'backoff',
  'lossProtection',
  'logger',
  'format',
  'clock',
  'random',
]

const show = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')

const refuse = (field: string, given: unknown, accepted: string): never => {
  throw new RegistryError('invalid-config', {
    backend: 'core',
    operation: 'configure',
    message: `${field} is ${show(given)}; expected ${accepted}`,
  })
}

const number = (
  field: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number,
): number => {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !(value >= min && value <= max))
    return refuse(field, value, `a number from ${min} to ${max}`)
  return value
}

const knownKeys = (field: string, value: object, known: readonly string[]): void => {
  if (typeof value !== 'object' || value === null) refuse(field, value, 'an object')
  for (const key of Object.keys(value))
    if (!known.includes(key)) refuse(`${field} key "${key}"`, 'unknown', known.join(', '))
}

const formatMethods = ['key', 'prefix', 'serviceOf', 'encode', 'decode'] as const

const formatOf = (format: WireFormat | undefined): WireFormat => {
  if (format === undefined) return jsonFormat
  if (typeof format !== 'object' || format === null)
    return refuse(
      'format',
      format,
      'a WireFormat; createRegistry takes the names of the formats of built-in backends',
    )
  const missing = formatMethods.filter((name) => typeof format[name] !== 'function')
  if (typeof format.name !== 'string' || !Array.isArray(format.lacks) || missing.length > 0)
    refuse('format', format.name, `a WireFormat with name, lacks, ${formatMethods.join(', ')}`)
  return format
}

/** Validates the options and fills in the defaults; `invalid-config` names the field. */
export const resolveRegistryOptions = (options: RegistryOptions): ResolvedOptions => {
  knownKeys('options', options, registryOptionKeys)
  const { backoff = {}, lossProtection = {} } = options
  knownKeys('backoff', backoff, ['minMs', 'maxMs'])
  const ttlMs = number('ttlMs', options.ttlMs, 10_000, 1, maxTimerMs)
  const maxMs = number('backoff.maxMs', backoff.maxMs, 5_000, 1, maxTimerMs)
  const minMs = number('backoff.minMs', backoff.minMs, Math.min(100, maxMs), 1, maxMs)
  const shortestHoldMs = returnMs(ttlMs, maxMs)
  const ownHoldMs = lossProtection === false ? undefined : lossProtection.holdMs
  const holdMs = Math.max(
    shortestHoldMs,
    number('lossProtection.holdMs', ownHoldMs, shortestHoldMs, 0, maxTimerMs),
  )
  if (lossProtection !== false)
    knownKeys('lossProtection', lossProtection, [
      'maxFraction',
      'holdMs',
      'maxHoldMs',
      'minInstances',
    ])
  return {
    ttlMs,
    callTimeoutMs: number('callTimeoutMs', options.callTimeoutMs, 3_000, 1, maxTimerMs),
    closeTimeoutMs: number('closeTimeoutMs', options.closeTimeoutMs, 5_000, 0, maxTimerMs),
    backoff: { minMs, maxMs },
    lossProtection:
      lossProtection === false
        ? undefined
        : {
            maxFraction: number(
              'lossProtection.maxFraction',
              lossProtection.maxFraction,
              0.5,
              0,
              1,
            ),
            holdMs,
            maxHoldMs: Math.max(
              holdMs,
              number(
                'lossProtection.maxHoldMs',
                lossProtection.maxHoldMs,
                defaultMaxHoldMs,
                0,
                maxTimerMs,
              ),
            ),
            minInstances: number(
              'lossProtection.minInstances',
              lossProtection.minInstances,
              3,
              1,
              Number.MAX_SAFE_INTEGER,
            ),
          },
    logger: options.logger === false ? undefined : options.logger,
    format: formatOf(options.format),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  }
}
