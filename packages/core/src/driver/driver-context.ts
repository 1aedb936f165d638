import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import { jsonFormat } from './json-format.ts'
import type { RegistryDriver } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** An event that a driver reports; published to diagnostics and the logger. */
export interface DriverEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** A short constant name in kebab-case: `watch-cancelled`. */
  readonly event: string
  /** A description for people. Must not contain credentials. */
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** What core gives to a driver: its only source of time, randomness and reporting. */
export interface DriverContext {
  readonly clock: Clock
  readonly random: Random
  readonly format: WireFormat
  report(event: DriverEvent): void
}

/**
 * Creates a driver from the registry's context. `createRegistry` and `new Registry` take backends in
 * this form, so that core and driver share one clock.
 */
export type DriverFactory = (context: DriverContext) => RegistryDriver

/** Completes `parts` with the system's clock and randomness and the default format. */
export const createDriverContext = (parts: Partial<DriverContext> = {}): DriverContext => ({
  clock: parts.clock ?? systemClock,
  random: parts.random ?? systemRandom,
  format: parts.format ?? jsonFormat,
  report: parts.report ?? (() => {}),
})
