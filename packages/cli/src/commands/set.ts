import { type Command, InvalidArgumentError } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode } from '../exit-code.ts'
import { type Run, registryCommand } from './subcommand.ts'

/** Parses the value of `--weight`. */
export const readWeight = (text: string): number => {
  const weight = Number(text)
  if (/^\d+$/.test(text) && weight <= 65_535) return weight
  throw new InvalidArgumentError('Expected a whole number from 0 to 65535.')
}

interface SetOptions extends CommonOptions {
  readonly weight: number
}

const setWeight = async (
  { open, output, progress, signal }: CommandContext,
  service: string,
  id: string,
  { weight }: SetOptions,
): Promise<number> => {
  const registry = await open()
  const editing = registry.edit(service, id, { weight }, { signal })
  if ((await progress(`changing ${service}/${id}`, editing)) === 'absent') {
    output.note(`sd: no instance ${id} of ${service} is registered`)
    return exitCode.notFound
  }
  if (output.json) await output.writeJson([{ type: 'edited', service, id, weight }])
  else await output.write([`${service}/${id} has weight ${weight}`])
  return exitCode.ok
}

/** `sd set SERVICE ID --weight N` */
export const setCommand = (run: Run): Command =>
  registryCommand(
    'set',
    'Change the weight of a running instance',
    'Watchers receive the weight at once, without a removal, and the owner adopts it: it survives\nreconnects until the owner sets another one. Refused where only the owner can write (Consul).\nEnds with 3 when there is no such instance.',
    [
      ['sd set orders orders-1 --weight 0', 'drain it: no client picks it any more'],
      ['sd set orders orders-1 --weight 100', 'restore its weight'],
    ],
  )
    .argument('<service>', 'the service')
    .argument('<id>', 'the instance')
    .requiredOption('--weight <n>', '0 to 65535; 0 drains, 100 is the default', readWeight)
    .action((service: string, id: string, options: SetOptions) =>
      run(options, (context) => setWeight(context, service, id, options)),
    )
