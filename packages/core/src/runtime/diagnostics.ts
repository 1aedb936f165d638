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
  /** A constant event name in kebab-case: `session-live`, `registration-recovering`. */
  readonly event: string
  readonly cause?: RegistryError | undefined
  readonly [detail: string]: unknown
}

/**
 * Names of the `node:diagnostics_channel` channels. Each message is a `DiagnosticEvent`.
 * `sd:outage`: the backend fails, fails for another reason, answers again. `sd:session`: opened, lost,
 * rotated, closed. `sd:registration`: every status. `sd:watch`: live, stale, resumed, held.
 * `sd:record`: an unreadable record. `sd:driver`: reports of the driver.
 */
export const diagnosticChannels = {
  outage: 'sd:outage',
  session: 'sd:session',
  registration: 'sd:registration',
  watch: 'sd:watch',
  record: 'sd:record',
  driver: 'sd:driver',
} as const

/** Selects the channel of an event. */
export type DiagnosticTopic = keyof typeof diagnosticChannels

/** Publishes transitions of one registry. */
export type Publish = (
  topic: DiagnosticTopic,
  level: keyof Logger,
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
}

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
  (backend: string, logger: Logger | undefined): Publish =>
  (topic, level, event, message, details = {}) => {
    const target = channels[topic]
    if (logger === undefined && !target.hasSubscribers) return
    queueMicrotask(() => {
      // diagnostics_channel raises a subscriber's exception as uncaught, by design
      target.publish({ backend, event, ...details } satisfies DiagnosticEvent)
      if (logger === undefined) return
      const { cause: err, ...others } = details
      const logged = err === undefined ? others : { ...others, err }
      log(logger, level, { backend, event, ...logged }, message)
    })
  }
