import type { ServerFault, Values, World } from './benchmark.ts'

/** What a sample process is asked to do: one side of a benchmark, or its `prepare`. */
export interface SampleTask {
  readonly benchmark: string
  readonly side: string | undefined
  readonly world: Omit<World, 'fault'>
}

/** What a sample process tells its parent. */
export type SampleMessage =
  | { readonly fault: ServerFault }
  | { readonly values: Values }
  | { readonly failed: string }
