import { parseArgs } from 'node:util'

/** What to do, as asked on the command line. */
export type Command =
  | { readonly do: 'help' }
  | { readonly do: 'list' }
  /** Writes `docs/benchmarks.md` from what was measured before. */
  | { readonly do: 'document' }
  | {
      readonly do: 'run'
      /** The benchmarks to run; empty for all. */
      readonly only: readonly string[]
      /** Samples of each side; `undefined` for those of each benchmark. */
      readonly samples: number | undefined
      /** Keeps what is measured and writes `docs/benchmarks.md`. */
      readonly write: boolean
      readonly profile: boolean
    }
  /** Compares with the baseline, or with `write` replaces it. */
  | { readonly do: 'quick'; readonly only: readonly string[]; readonly write: boolean }

/** An argument that cannot be used; the message says which, and what is accepted. */
export class ArgumentError extends Error {}

const parse = (given: readonly string[]) => {
  try {
    return parseArgs({
      args: [...given],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        samples: { type: 'string' },
        quick: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        document: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new ArgumentError((error as Error).message)
  }
}

/**
 * Reads the command line; `known` are the names of the benchmarks.
 * @throws ArgumentError
 */
export const readArguments = (given: readonly string[], known: readonly string[]): Command => {
  const { only, samples, quick, write, document, profile, list, help } = parse(given)
  if (help) return { do: 'help' }
  if (list) return { do: 'list' }
  if (document) return { do: 'document' }
  const unknown = only.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new ArgumentError(`--only is '${unknown}'; expected one of ${known.join(', ')}`)
  const count = samples === undefined ? undefined : Number(samples)
  if (count !== undefined && !(Number.isInteger(count) && count > 0))
    throw new ArgumentError(`--samples is '${samples}'; expected a whole number from 1 on`)
  if (!quick) return { do: 'run', only, samples: count, write, profile }
  if (profile || count !== undefined)
    throw new ArgumentError(
      `--quick takes its own samples and no profiles; leave out ${profile ? '--profile' : '--samples'}`,
    )
  return { do: 'quick', only, write }
}
