import { createFilter, type InstanceFilter } from '@sd/balancer'
import { type Command, InvalidArgumentError } from 'commander'
import { collect, collectPairs } from './option-values.ts'

/** The parsed filter options of a command line. */
export interface FilterOptions {
  readonly tag?: readonly string[]
  readonly zone?: readonly string[]
  readonly version?: string
  readonly metadata?: Readonly<Record<string, string>>
}

const readRange = (text: string): string => {
  try {
    createFilter({ version: text })
    return text
  } catch {
    throw new InvalidArgumentError('Expected a range of versions like ^1.4 or ">=2 <3".')
  }
}

/** Parses the text of an option that must not be empty. */
const notEmpty =
  <T>(read: (text: string, previous?: T) => T) =>
  (text: string, previous?: T): T => {
    if (text === '') throw new InvalidArgumentError('Expected a non-empty value.')
    return read(text, previous)
  }

/** Adds the options of the balancer's filter. */
export const withFilterOptions = (command: Command): Command =>
  command
    .option('--tag <tag>', 'only with this label; repeated: with all of them', notEmpty(collect))
    .option('--zone <zone>', 'only in this zone; repeated: in any of them', notEmpty(collect))
    .option('--version <range>', 'only versions in this range, like ^1.4', readRange)
    .option(
      '--metadata <name=value>',
      'only with this entry; repeated: with all of them',
      collectPairs,
    )

/** The filter of the options; `undefined` if there are none. */
export const filterOf = ({
  tag,
  zone,
  version,
  metadata,
}: FilterOptions): InstanceFilter | undefined =>
  tag === undefined && zone === undefined && version === undefined && metadata === undefined
    ? undefined
    : { tags: tag, zone, version, metadata }
