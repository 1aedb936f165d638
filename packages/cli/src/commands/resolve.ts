import { type Chance, createPicker, type InstanceFilter } from '@sd/balancer'
import { type Command, InvalidArgumentError } from 'commander'
import { RegistryError, type ServiceInstance } from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode } from '../exit-code.ts'
import { filterOf, type FilterOptions, withFilterOptions } from '../filter-options.ts'
import { printable } from '../output/printable.ts'
import { type Run, registryCommand } from './subcommand.ts'

/** One endpoint of one instance, as `resolve` prints it. */
export interface ResolvedEndpoint {
  readonly endpoint: string
  readonly id: string
  readonly weight: number
}

const hasScheme = (endpoint: string, scheme: string | undefined): boolean =>
  // registry data is untrusted: a line break confuses a script, a control character a terminal
  URL.canParse(endpoint) &&
  !/\s/.test(endpoint) &&
  printable(endpoint) === endpoint &&
  (scheme === undefined || new URL(endpoint).protocol === `${scheme.toLowerCase()}:`)

/** The endpoints to select. */
export interface Wanted {
  readonly service: string
  readonly scheme?: string | undefined
  readonly filter?: InstanceFilter | undefined
  /** For tests. */
  readonly random?: Chance | undefined
}

/**
 * The endpoints of a service in weighted random order: the probability that an instance is first is
 * its share of the weight. Omits instances that the balancer would not pick: drained, not passing or
 * refused by the filter. The endpoints of an instance stay together, in its order.
 */
export const endpointOrder = (
  instances: readonly ServiceInstance[],
  { service, scheme, filter, random }: Wanted,
): readonly ResolvedEndpoint[] => {
  // with nothing in flight p2c picks by weight; each picked instance is removed
  using picker = createPicker({ service, filter, random, strategy: 'p2c' })
  picker.apply(instances.map((instance) => ({ type: 'added', instance })))
  // otherwise the last passing ones would leave the others in panic
  if (picker.size < instances.length) {
    const available = new Set(picker.available)
    const others = instances.filter((instance) => !available.has(instance))
    picker.apply(others.map((instance) => ({ type: 'removed', instance })))
  }
  const found: ResolvedEndpoint[] = []
  while (picker.size > 0) {
    const { instance } = picker.pick()
    const { id, weight, endpoints } = instance
    for (const endpoint of endpoints)
      if (hasScheme(endpoint, scheme)) found.push({ endpoint, id, weight })
    picker.apply([{ type: 'removed', instance }])
  }
  return found
}

/** Describes why `endpointOrder` returns no endpoint. */
const whyNone = (
  instances: readonly ServiceInstance[],
  { service, scheme, filter }: Wanted,
): string => {
  using picker = createPicker({ service, filter })
  picker.apply(instances.map((instance) => ({ type: 'added', instance })))
  try {
    picker.pick({ scheme: scheme?.toLowerCase() })
    return 'the registered endpoints are not URLs on one line'
  } catch (error) {
    return error instanceof RegistryError ? error.message : String(error)
  }
}

interface ResolveOptions extends CommonOptions, FilterOptions {
  readonly scheme?: string
  readonly count?: number
}

const resolve = async (
  { open, output, progress, signal }: CommandContext,
  service: string,
  { scheme, count, ...options }: ResolveOptions,
): Promise<number> => {
  const registry = await open()
  const instances = await progress(`reading ${service}`, registry.list(service, { signal }))
  const wanted = { service, scheme, filter: filterOf(options) }
  const found = endpointOrder(instances, wanted).slice(0, count)
  if (found.length === 0) {
    output.note(printable(`sd: no endpoint of ${service}: ${whyNone(instances, wanted)}`))
    return exitCode.notFound
  }
  if (output.json) await output.writeJson(found)
  else await output.write(found.map(({ endpoint }) => endpoint))
  return exitCode.ok
}

const readCount = (text: string): number => {
  const count = Number(text)
  if (/^\d+$/.test(text) && count > 0) return count
  throw new InvalidArgumentError('Expected a whole number from 1.')
}

/** `sd resolve SERVICE` */
export const resolveCommand = (run: Run): Command =>
  withFilterOptions(
    registryCommand(
      'resolve',
      'Print live endpoints of a service, one per line',
      'The order is random by weight, so the first line is a fair choice. An instance of weight 0 is\nleft out, and one that is not passing as long as enough others are. Ends with 3 when no endpoint is left.',
      [
        ['curl "$(sd resolve orders --scheme http --count 1)/health"', 'call any instance'],
        ['sd resolve orders --count 3', 'one to call and two to fall back on'],
        ['sd resolve orders --version ^2 --zone eu-1a', 'endpoints of version 2 in one zone'],
      ],
    ),
  )
    .argument('<service>', 'the service')
    .option('--scheme <scheme>', 'only endpoints with this scheme, like http')
    .option('--count <n>', 'at most that many lines', readCount)
    .action((service: string, options: ResolveOptions) =>
      run(options, (context) => resolve(context, service, options)),
    )
