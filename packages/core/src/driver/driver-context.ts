import type { RegistryDriver } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** A running timer. */
export interface Timer {
  cancel(): void
}

/** All that core and drivers may use of time. Injected, so that faults can be simulated. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for claims and what people read. */
  nowMs(): number
  /** Never goes back: for every duration. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer
}

/** All that core and drivers may use of chance. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A random id of `length` lower-case letters and digits. */
  id(length: number): string
}

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
