import { type Command, InvalidArgumentError, Option } from 'commander'
import type { InstanceEdit, InstanceHealth, ServiceInstance } from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode, UsageError } from '../exit-code.ts'
import { collect, collectPairs } from '../option-values.ts'
import { printable } from '../output/printable.ts'
import { type Run, registryCommand } from './subcommand.ts'

/** Parses the value of `--weight`. */
export const readWeight = (text: string): number => {
  const weight = Number(text)
  if (/^\d+$/.test(text) && weight <= 65_535) return weight
  throw new InvalidArgumentError('Expected a whole number from 0 to 65535.')
}

interface SetOptions extends CommonOptions {
  readonly weight?: number
  readonly health?: InstanceHealth
  readonly meta?: Readonly<Record<string, string>>
  readonly removeMeta?: readonly string[]
}

const editOf =
  ({ weight, health, meta, removeMeta }: SetOptions) =>
  ({ metadata: before }: ServiceInstance): InstanceEdit => {
    if (meta === undefined && removeMeta === undefined) return { weight, health }
    const metadata = { ...before, ...meta }
    for (const name of removeMeta ?? []) delete metadata[name]
    return { weight, health, metadata }
  }

const describe = ({ weight, health, metadata }: InstanceEdit): string =>
  [
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...(health === undefined ? [] : [`health ${health}`]),
    ...(metadata === undefined
      ? []
      : [
          `metadata ${Object.entries(metadata)
            .map(([name, text]) => `${name}=${text}`)
            .join(' ')}`,
        ]),
  ].join(', ')

const set = async (
  { open, output, progress, signal }: CommandContext,
  service: string,
  id: string,
  options: SetOptions,
): Promise<number> => {
  const registry = await open()
  let made: InstanceEdit = {}
  const edit = (instance: ServiceInstance): InstanceEdit => (made = editOf(options)(instance))
  const editing = registry.edit(service, id, edit, { signal })
  if ((await progress(`changing ${service}/${id}`, editing)) === 'absent') {
    output.note(`sd: no instance ${id} of ${service} is registered`)
    return exitCode.notFound
  }
  if (output.json) await output.writeJson([{ type: 'edited', service, id, ...made }])
  else await output.write([printable(`${service}/${id} has ${describe(made)}`)])
  return exitCode.ok
}

/** `sd set SERVICE ID [--weight N] [--health HEALTH] [--meta NAME=VALUE]` */
export const setCommand = (run: Run): Command =>
  registryCommand(
    'set',
    'Change the weight, the health or the metadata of a running instance',
    'Watchers receive the change at once, without a removal, and the owner adopts it: it survives\nreconnects until the owner sets another value. draining and failing hold against the check of the\nowner until --health passing. Refused where only the owner can write (Consul). Ends with 3 when\nthere is no such instance.',
    [
      ['sd set orders orders-1 --health draining', 'no client picks it any more'],
      ['sd set orders orders-1 --health passing', 'clients pick it again, if its check passes'],
      ['sd set orders orders-1 --weight 10', 'a tenth of the usual share'],
      ['sd set orders orders-1 --meta owner=ann --remove-meta note', 'the other metadata stays'],
    ],
  )
    .argument('<service>', 'the service')
    .argument('<id>', 'the instance')
    .option('--weight <n>', '0 to 65535; 0 drains, 100 is the default', readWeight)
    .addOption(
      new Option('--health <health>', 'whether it wants calls').choices([
        'passing',
        'draining',
        'failing',
      ]),
    )
    .option('--meta <name=value>', 'sets a metadata entry; may be repeated', collectPairs)
    .option('--remove-meta <name>', 'removes a metadata entry; may be repeated', collect)
    .action((service: string, id: string, options: SetOptions) =>
      run(options, (context) => {
        const { weight, health, meta, removeMeta } = options
        if ([weight, health, meta, removeMeta].every((value) => value === undefined))
          throw new UsageError('give --weight, --health, --meta or --remove-meta')
        return set(context, service, id, options)
      }),
    )
