import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import { jsonFormat } from './json-format.ts'
import type { RegistryDriver } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** What a driver tells besides its results: it ends up in diagnostics and the logger. */
export interface DriverEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** Short, constant, in kebab-case: `watch-cancelled`. */
  readonly event: string
  /** In words. Must not hold credentials. */
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** What a driver is given: its only way to time, chance and reporting. */
export interface DriverContext {
  readonly clock: Clock
  readonly random: Random
  readonly format: WireFormat
  report(event: DriverEvent): void
}

/**
 * Makes a driver once the registry's context is known. `registry` backends are passed to
 * `createRegistry` and to `new Registry` in this form, so that one clock serves core and driver.
 */
export type DriverFactory = (context: DriverContext) => RegistryDriver

/** A context with the machine's clock and randomness and the default format, for what is not named. */
export const createDriverContext = (parts: Partial<DriverContext> = {}): DriverContext => ({
  clock: parts.clock ?? systemClock,
  random: parts.random ?? systemRandom,
  format: parts.format ?? jsonFormat,
  report: parts.report ?? (() => {}),
})
