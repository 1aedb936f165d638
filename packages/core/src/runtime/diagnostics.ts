import { channel } from 'node:diagnostics_channel'
import type { RegistryError } from '../registry-error.ts'

// captured when this module loads, as test runners fake the global one
const { queueMicrotask } = globalThis

/**
 * Receives log lines. Compatible with pino and `console`: details first, then the message. The
 * details are those of the `DiagnosticEvent`, with the cause under `err`, where pino and others expect
 * an error: its message, code and chain of causes are logged.
 */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** One state transition, as published on a diagnostics channel and, shortened, logged. */
export interface DiagnosticEvent {
  /** The backend's name. */
  readonly backend: string
  /** The `Registry` that it is about: distinguishes several of one process. */
  readonly registry: object
  /** A constant event name in kebab-case: `session-live`, `registration-recovering`. */
  readonly event: string
  readonly cause?: RegistryError | undefined
  readonly [detail: string]: unknown
}

/** A call of a `Registry` has ended: a message on `sd:call`. */
export interface CallEvent extends DiagnosticEvent {
  readonly event: 'call-ended'
  readonly operation:
    | 'register'
    | 'list'
    | 'list-services'
    | 'records'
    | 'ping'
    | 'edit'
    | 'remove-record'
  readonly service: string | undefined
  readonly durationMs: number
  /** What the call rejected with: a `RegistryError`, or the reason of its signal. */
  readonly error?: unknown
}

/**
 * The backend acknowledged all that was desired of one registration: a message on `sd:write`. Also
 * when a registration is written again after a recovery.
 */
export interface WriteEvent extends DiagnosticEvent {
  readonly event: 'write-acknowledged'
  readonly service: string
  readonly id: string
  /** From the first change, or loss, that was not acknowledged. */
  readonly durationMs: number
}

/** What readers of one watch see has changed: a message on `sd:change`. */
export interface ViewChangeEvent extends DiagnosticEvent {
  readonly event: 'view-changed'
  readonly scope: 'service' | 'all' | 'services'
  /** The watched service, in the scope `service`. */
  readonly service: string | undefined
  /** How many keys were added, updated and removed. */
  readonly added: number
  readonly updated: number
  readonly removed: number
}

/**
 * Names of the `node:diagnostics_channel` channels. Each message is a `DiagnosticEvent`.
 * `sd:outage`: the backend fails, fails for another reason, answers again. `sd:session`: opened, lost,
 * rotated, closed. `sd:registration`: every status. `sd:watch`: live, stale, resumed, held.
 * `sd:record`: an unreadable record. `sd:driver`: reports of the driver.
 *
 * Measurements, which are not logged, are on `sd:call` (`CallEvent`), `sd:write` (`WriteEvent`) and
 * `sd:change` (`ViewChangeEvent`).
 */
export const diagnosticChannels = {
  outage: 'sd:outage',
  session: 'sd:session',
  registration: 'sd:registration',
  watch: 'sd:watch',
  record: 'sd:record',
  driver: 'sd:driver',
  call: 'sd:call',
  write: 'sd:write',
  change: 'sd:change',
} as const

/** Selects the channel of an event. */
export type DiagnosticTopic = keyof typeof diagnosticChannels

/** Publishes transitions and measurements of one registry. A measurement is `unlogged`. */
export type Publish = (
  topic: DiagnosticTopic,
  level: keyof Logger | 'unlogged',
  event: string,
  message: string,
  details?: Readonly<Record<string, unknown>>,
) => void

const channels = {
  outage: channel(diagnosticChannels.outage),
  session: channel(diagnosticChannels.session),
  registration: channel(diagnosticChannels.registration),
  watch: channel(diagnosticChannels.watch),
  record: channel(diagnosticChannels.record),
  driver: channel(diagnosticChannels.driver),
  call: channel(diagnosticChannels.call),
  write: channel(diagnosticChannels.write),
  change: channel(diagnosticChannels.change),
}

/** Whether anybody subscribes to that channel; otherwise a measurement need not be taken. */
export const hasSubscribers = (topic: DiagnosticTopic): boolean => channels[topic].hasSubscribers

/** Drops whatever a logger throws or rejects with: a broken logger must not stop the registry. */
const log = (logger: Logger, level: keyof Logger, details: object, message: string): void => {
  try {
    const result: unknown = logger[level](details, message)
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // dropped, see above
  }
}

/**
 * Publishes after the change of state, never inside it: a subscriber or logger may use the registry
 * and sees the published state. Errors of a logger are dropped.
 */
export const createPublish =
  (backend: string, logger: Logger | undefined, registry: object): Publish =>
  (topic, level, event, message, details = {}) => {
    const target = channels[topic]
    const receiver = level === 'unlogged' ? undefined : logger
    if (receiver === undefined && !target.hasSubscribers) return
    queueMicrotask(() => {
      // diagnostics_channel raises a subscriber's exception as uncaught, by design
      target.publish({ backend, registry, event, ...details } satisfies DiagnosticEvent)
      if (receiver === undefined || level === 'unlogged') return
      const { cause: err, ...others } = details
      const logged = err === undefined ? others : { ...others, err }
      log(receiver, level, { backend, event, ...logged }, message)
    })
  }
