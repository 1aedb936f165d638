import { channel } from 'node:diagnostics_channel'
import type { RegistryError } from '../registry-error.ts'

// taken when this module loads: test runners fake the global one
const { queueMicrotask } = globalThis

/**
 * Where log lines go. The shape of pino and of `console`: details first, then the message.
 * Default: nowhere.
 */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** One transition, as it is published on a diagnostics channel and, shortened, logged. */
export interface DiagnosticEvent {
  /** The backend's name. */
  readonly backend: string
  /** What happened, constant, in kebab-case: `session-live`, `registration-recovering`. */
  readonly event: string
  readonly cause?: RegistryError | undefined
  readonly [detail: string]: unknown
}

/**
 * Names of the `node:diagnostics_channel` channels. Each message is a `DiagnosticEvent`.
 * `sd:session`: opened, lost, rotated, closed. `sd:registration`: every status. `sd:watch`: stale, fresh,
 * resumed, held. `sd:record`: a record that could not be read. `sd:driver`: what a backend reports.
 */
export const diagnosticChannels = {
  session: 'sd:session',
  registration: 'sd:registration',
  watch: 'sd:watch',
  record: 'sd:record',
  driver: 'sd:driver',
} as const

/** Which channel an event goes to. */
export type DiagnosticTopic = keyof typeof diagnosticChannels

/** Publishes transitions; bound to one registry. */
export type Publish = (
  topic: DiagnosticTopic,
  level: keyof Logger,
  event: string,
  message: string,
  details?: Readonly<Record<string, unknown>>,
) => void

const channels = {
  session: channel(diagnosticChannels.session),
  registration: channel(diagnosticChannels.registration),
  watch: channel(diagnosticChannels.watch),
  record: channel(diagnosticChannels.record),
  driver: channel(diagnosticChannels.driver),
}

/** A logger may be broken, also one whose methods are async: that is the application's. */
const log = (logger: Logger, level: keyof Logger, details: object, message: string): void => {
  try {
    const result: unknown = logger[level](details, message)
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // the registry goes on
  }
}

/**
 * Publishes after the change of state, never inside it: a subscriber or logger may use the registry,
 * and finds it as it was told. What a logger throws or rejects with is dropped.
 */
export const createPublish =
  (backend: string, logger: Logger | undefined): Publish =>
  (topic, level, event, message, details = {}) => {
    const target = channels[topic]
    if (logger === undefined && !target.hasSubscribers) return
    queueMicrotask(() => {
      // diagnostics_channel itself hands a subscriber's exception to the process, by design
      target.publish({ backend, event, ...details } satisfies DiagnosticEvent)
      if (logger !== undefined) log(logger, level, { backend, event, ...details }, message)
    })
  }
