import { createFilter } from '@sd/balancer'
import type { Command } from 'commander'
import type { AllWatcher, Registry, Watcher } from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode, UsageError } from '../exit-code.ts'
import { filterOf, type FilterOptions, withFilterOptions } from '../filter-options.ts'
import { FilteredWatch } from '../filtered-watch.ts'
import { Interrupted } from '../interruption.ts'
import {
  ChangeJson,
  ChangeLines,
  type RecordOf,
  type WatchDisplay,
} from '../output/change-lines.ts'
import { LiveTable } from '../output/live-table.ts'
import { type Run, registryCommand } from './subcommand.ts'

interface WatchOptions extends CommonOptions, FilterOptions {
  readonly all?: boolean
}

/** How long to wait for the first answer before a message. */
const patienceMs = 1_000

/** Opens a watcher, with a lookup of the record of each instance. */
const openWatch = (
  registry: Registry,
  name: string | undefined,
  signal: AbortSignal,
): { readonly watcher: Watcher | AllWatcher; readonly recordOf: RecordOf } => {
  if (name === undefined) {
    const watcher = registry.watchAll({ signal })
    return { watcher, recordOf: ({ service, id }) => watcher.record(service, id) }
  }
  const watcher = registry.watch(name, { signal })
  return { watcher, recordOf: ({ id }) => watcher.record(id) }
}

const watch = async (
  { open, output, signal }: CommandContext,
  service: string | undefined,
  options: WatchOptions,
): Promise<number> => {
  const filter = filterOf(options)
  const registry = await open()
  const { watcher, recordOf } = openWatch(registry, service, signal)
  const shown = filter === undefined ? watcher : new FilteredWatch(watcher, createFilter(filter))
  const size = (): number => shown.size
  const createDisplay = (): WatchDisplay => {
    if (output.json) return new ChangeJson(output, size, recordOf)
    if (!output.stdout.isTTY) return new ChangeLines(output, size)
    return new LiveTable({ output, watcher: shown, recordOf, service })
  }
  using display = createDisplay()
  const patience = setTimeout(() => {
    const why = watcher.stale === undefined ? '' : `: ${watcher.stale.cause.message}`
    // the live table shows this itself
    if (!(display instanceof LiveTable)) output.note(`sd: still connecting${why}`)
  }, patienceMs)
  try {
    for await (const event of shown) {
      clearTimeout(patience)
      await display.show(event)
    }
  } catch (error) {
    // a watch ends only by an interruption
    if (!(error instanceof Interrupted)) throw error
  } finally {
    clearTimeout(patience)
  }
  return exitCode.ok
}

/** `sd watch SERVICE|--all` */
export const watchCommand = (run: Run): Command =>
  withFilterOptions(
    registryCommand(
      'watch',
      'Follow the instances of one service, or of all',
      'Prints a live table on a terminal, and in a pipe a line for each change, after one for each present\ninstance. While the registry cannot be reached the last known state stays, marked stale. Runs until\ninterrupted, and then ends with 0.',
      [
        ['sd watch orders', 'a live table'],
        ['sd watch --all | tee changes.log', 'a line for each change of any service'],
        ['sd watch orders --json', 'an object for each change'],
        ['sd watch --all --zone eu-1a', 'all instances in one zone'],
      ],
    ),
  )
    .argument('[service]', 'the service to follow')
    .option('--all', 'follow every service')
    .action((service: string | undefined, options: WatchOptions) =>
      run(options, (context) => {
        if ((service === undefined) === (options.all !== true))
          throw new UsageError('name the service to watch, or give --all for every service')
        return watch(context, service, options)
      }),
    )
