import { type Command, InvalidArgumentError } from 'commander'
import type { ServiceInstance } from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode } from '../exit-code.ts'
import { printable } from '../output/printable.ts'
import { type Run, registryCommand } from './subcommand.ts'

/** What `resolve` prints: one endpoint of one instance. */
export interface ResolvedEndpoint {
  readonly endpoint: string
  readonly id: string
  readonly weight: number
}

const hasScheme = (endpoint: string, scheme: string | undefined): boolean =>
  // what stands in a registry is other people's: a script reads lines, a terminal acts on the rest
  URL.canParse(endpoint) &&
  !/\s/.test(endpoint) &&
  printable(endpoint) === endpoint &&
  (scheme === undefined || new URL(endpoint).protocol === `${scheme.toLowerCase()}:`)

/**
 * The endpoints of a service in weighted random order: whether an instance stands first is as
 * likely as its share of the weight. Instances of weight 0 are drained and left out; an instance's
 * own endpoints stay together, in its order.
 */
export const weightedOrder = (
  instances: readonly ServiceInstance[],
  scheme: string | undefined,
  random: () => number = Math.random,
): readonly ResolvedEndpoint[] =>
  instances
    .filter(({ weight }) => weight > 0)
    // Efraimidis and Spirakis: sorting by these keys draws by weight without replacement
    .map((instance) => ({ instance, key: -Math.log(1 - random()) / instance.weight }))
    .toSorted((a, b) => a.key - b.key)
    .flatMap(({ instance: { id, weight, endpoints } }) =>
      endpoints
        .filter((endpoint) => hasScheme(endpoint, scheme))
        .map((endpoint) => ({ endpoint, id, weight })),
    )

interface ResolveOptions extends CommonOptions {
  readonly scheme?: string
  readonly count?: number
}

const resolve = async (
  { open, output, progress, signal }: CommandContext,
  service: string,
  { scheme, count }: ResolveOptions,
): Promise<number> => {
  const registry = await open()
  const instances = await progress(`reading ${service}`, registry.list(service, { signal }))
  const found = weightedOrder(instances, scheme).slice(0, count)
  if (found.length === 0) {
    const wanted = scheme === undefined ? 'an endpoint' : `an endpoint of scheme ${scheme}`
    output.note(`sd: no instance of ${service} has ${wanted} and a weight above 0`)
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
  registryCommand(
    'resolve',
    'Print live endpoints of a service, one a line',
    'In weighted random order: the first line is a fair choice. An instance of weight 0 is\ndrained and left out. Ends with 3 when nothing is left.',
    [
      ['curl "$(sd resolve orders --scheme http --count 1)/health"', 'ask any instance'],
      ['sd resolve orders --count 3', 'one to call and two to fall back on'],
    ],
  )
    .argument('<service>', 'the service')
    .option('--scheme <scheme>', 'only endpoints like http://…')
    .option('--count <n>', 'at most so many lines', readCount)
    .action((service: string, options: ResolveOptions) =>
      run(options, (context) => resolve(context, service, options)),
    )
