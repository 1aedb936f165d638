import { createFilter } from '@sd/balancer'
import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode, UsageError } from '../exit-code.ts'
import { filterOf, type FilterOptions, withFilterOptions } from '../filter-options.ts'
import { byName, instanceCells, instanceColumns, instanceJson } from '../output/instance-output.ts'
import { printable } from '../output/printable.ts'
import { tableLines } from '../output/table.ts'
import { type Run, registryCommand } from './subcommand.ts'

const listServices = async ({ open, output, progress, signal }: CommandContext) => {
  const registry = await open()
  const services = await progress('reading the services', registry.listServices({ signal }))
  if (services.length === 0) output.note('sd: no service is registered')
  if (output.json) await output.writeJson(services.map((service) => ({ service })))
  else if (services.length > 0)
    await output.write(
      tableLines(
        [{ heading: 'SERVICE' }],
        services.map((name) => [name]),
      ),
    )
  return exitCode.ok
}

const listInstances = async (
  { open, output, progress, signal }: CommandContext,
  service: string,
  options: FilterOptions,
): Promise<number> => {
  const passes = createFilter(filterOf(options) ?? {})
  const registry = await open()
  const reading = registry.records(service, { signal })
  const { served, skipped } = await progress(`reading ${service}`, reading)
  for (const { key, reason } of skipped)
    output.note(printable(`sd: record ${key} is skipped: ${reason}`))
  if (served.length === 0) {
    output.note(`sd: no instance of ${service} is registered`)
    return exitCode.notFound
  }
  const chosen = served.filter(({ instance }) => passes(instance))
  if (chosen.length === 0) {
    output.note(`sd: none of the ${served.length} instances of ${service} passes the filter`)
    return exitCode.notFound
  }
  const rows = chosen.toSorted((a, b) => byName(a.instance, b.instance))
  if (output.json)
    await output.writeJson(rows.map((record) => instanceJson(record.instance, record)))
  else {
    const nowMs = Date.now()
    const cells = rows.map((record) => instanceCells(record.instance, record, nowMs))
    await output.write(tableLines(instanceColumns, cells))
  }
  return exitCode.ok
}

interface ListOptions extends CommonOptions, FilterOptions {}

/** `sd list [SERVICE]` */
export const listCommand = (run: Run): Command =>
  withFilterOptions(
    registryCommand(
      'list',
      'Show the services, or the instances of one',
      'Ends with 3 when SERVICE has no instance, or none that passes the filter.',
      [
        ['sd list', 'the names of all services'],
        ['sd list orders', 'its instances: id, endpoints, version, zone, weight, health, age'],
        ['sd list orders --version ^2 --tag canary', 'those of version 2 with that tag'],
        ["sd list orders --json | jq -r '.endpoints[]'", 'for programs'],
      ],
    ),
  )
    .argument('[service]', 'the service whose instances are shown')
    .action((service: string | undefined, options: ListOptions) =>
      run(options, (context) => {
        if (service !== undefined) return listInstances(context, service, options)
        if (filterOf(options) !== undefined) throw new UsageError('filters need a service; name it')
        return listServices(context)
      }),
    )
