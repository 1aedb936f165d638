/** A server that a benchmark runs on; an ensemble has three members, and the settings of deployments. */
export type ServerName = 'etcd' | 'consul' | 'zookeeper' | 'ZooKeeper ensemble'

/** A toolchain that a side needs besides Node.js: its peers are programs of `tools/peers`. */
export type Toolchain = 'go' | 'java'

/** What the parent does with the server when a sample asks for it. */
export type ServerFault = 'stop' | 'start' | 'kill' | 'wipe'

/** What a side gets. */
export interface World {
  /** `host:port` of the server, or of the first member; empty for a benchmark without one. */
  readonly endpoint: string
  /** A namespace that no other sample uses. */
  readonly namespace: string
  /** The namespace of what `prepare` has stored, the same for all samples of the benchmark. */
  readonly prepared: string
  /** The commands of the peers' programs, of those that can be run here. */
  readonly peers: Readonly<Partial<Record<Toolchain, readonly string[]>>>
  /** Whether few repetitions suffice, because the benchmark only counts. */
  readonly quick: boolean
  /** Stops, starts, kills or wipes the server; resolves when that is done. */
  readonly fault: (fault: ServerFault) => Promise<void>
}

/** What one sample measured: a number, or one for each repetition, by row. */
export type Values = Readonly<Record<string, number | readonly number[]>>

/** One way to do what a benchmark measures. Runs in a fresh process for each sample. */
export interface Side {
  readonly run: (world: World) => Promise<Values>
  /** Without it the side is left out. */
  readonly needs?: Toolchain
}

/**
 * What a row is expected to reach: `side` takes at most `atMost` times as much as `against`, or at most
 * `atMost` of the row's unit.
 */
export interface Goal {
  readonly side: string
  readonly against?: string
  readonly atMost: number
}

/** One measure of a benchmark: a row of the tables. */
export interface Row {
  /** What is measured, for the first column: `register`. */
  readonly what: string
  readonly unit: 'ms' | 'µs' | 'MB' | 'KB' | 'bytes' | 'calls' | 'of 100'
  /** The first one is the ratio that the table shows. */
  readonly goals?: readonly Goal[]
  /** Printed while a goal is not met: what was tried, what remains, and why. */
  readonly remains?: string
}

/** A benchmark: one file in `benchmarks/`, named after it. */
export interface Benchmark {
  /** The heading in `docs/benchmarks.md`. */
  readonly title: string
  /** What the sides do, in a sentence or two. */
  readonly about: string
  readonly server?: ServerName
  /** By label. The first one is the base of the plots. */
  readonly sides: Readonly<Record<string, Side>>
  /** By key, as in the values that the sides return. */
  readonly rows: Readonly<Record<string, Row>>
  /** Samples of each side. Default 5. */
  readonly samples?: number
  /** After this time a sample has failed. Default 60,000 ms. */
  readonly timeoutMs?: number
  /** Stores what all samples read. Runs once, in a process of its own. */
  readonly prepare?: (world: World) => Promise<void>
  /**
   * The rows that `--quick` compares with the baseline: counts, and others that noise does not move;
   * and the samples that they need of each side. Default: none.
   */
  readonly quick?: { readonly rows: readonly string[]; readonly samples: number }
}

/** What `--quick` compares of a row: the ratio of its first goal, else the value of `@sd`. */
export const quickGoalOf = (benchmark: Benchmark, row: string): Pick<Goal, 'side' | 'against'> =>
  benchmark.rows[row]?.goals?.[0] ?? { side: '@sd' }
