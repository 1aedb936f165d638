/** The names that `strategy` accepts. */
export const strategyNames = [
  'p2c',
  'peak-ewma',
  'round-robin',
  'weighted',
  'random',
  'consistent-hash',
  'sticky',
] as const

/** The name of a strategy. */
export type StrategyName = (typeof strategyNames)[number]

/** A strategy with options of its own. */
export type StrategyOptions =
  | { readonly name: 'p2c' | 'round-robin' | 'weighted' | 'random' }
  | {
      readonly name: 'peak-ewma'
      /**
       * The time constant of the average: after it, an old latency counts 37 %. Default 10,000 ms.
       */
      readonly decayMs?: number | undefined
    }
  | {
      readonly name: 'consistent-hash'
      /**
       * Points on the ring for weight 100. More points distribute keys more evenly, and cost more.
       * 1…1000, default 160.
       */
      readonly points?: number | undefined
      /** How many times its fair share of the calls in flight an instance may have. 1.01…1000, default 1.25. */
      readonly loadFactor?: number | undefined
    }
  | {
      readonly name: 'sticky'
      /** How many keys are remembered. Default 10,000. */
      readonly maxKeys?: number | undefined
    }

/** `StrategyOptions` with every default filled in. */
export type ResolvedStrategy =
  | { readonly name: 'p2c' | 'round-robin' | 'weighted' | 'random' }
  | { readonly name: 'peak-ewma'; readonly decayMs: number }
  | { readonly name: 'consistent-hash'; readonly points: number; readonly loadFactor: number }
  | { readonly name: 'sticky'; readonly maxKeys: number }
