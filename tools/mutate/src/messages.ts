import type { Mutant } from './mutant.ts'

/** What a process that runs mutants is started with. */
export interface Task {
  readonly root: string
  readonly sources: readonly { readonly file: string; readonly code: string }[]
  /** In the order of their numbers. */
  readonly mutants: readonly Mutant[]
  readonly testFiles: readonly string[]
  /** How many seeds of the simulation are looked at. */
  readonly seeds: number
  /** A mutant that is on while the modules are loaded. */
  readonly activeWhileLoading: number | undefined
  /** What a run without a mutant took; `undefined` asks for it. */
  readonly baseline: Baseline | undefined
}

/** What one test, or one seed, passes and takes when no mutant is on. */
export interface Measure {
  /** Files of tests and titles, or `seed N`. */
  readonly name: string
  readonly passed: readonly number[]
  readonly steps: number
  readonly tookMs: number
  /** What a seed is for; seeds of all kinds take turns. */
  readonly kind?: string
}

/** A run without a mutant. */
export interface Baseline {
  /** What was passed while the modules were loaded. */
  readonly loading: readonly number[]
  readonly tests: readonly Measure[]
  readonly seeds: readonly Measure[]
}

/** Asks for one mutant: the tests and the seeds to run, in this order, until one fails. */
export interface Request {
  readonly number: number
  readonly names: readonly string[]
}

/** What became of one mutant. */
export interface Reply {
  readonly number: number
  /** The name of what failed. */
  readonly killer?: string
  readonly cause?: string
  /** Something of it may go on, so that the process must be replaced. */
  readonly spoiled: boolean
}

/** What a process tells its parent. */
export type Message =
  | { readonly baseline: Baseline }
  | { readonly broken: string }
  | { readonly ready: true }
  | { readonly reply: Reply }
