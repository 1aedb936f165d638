import type { Command } from 'commander'
import type { InstanceRecord } from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode, UsageError } from '../exit-code.ts'
import { confirm } from '../output/confirm.ts'
import { showAge } from '../output/duration.ts'
import { printable } from '../output/printable.ts'
import { type Run, registryCommand } from './subcommand.ts'

interface DeregisterOptions extends CommonOptions {
  readonly force?: boolean
  readonly yes?: boolean
}

const describe = ({ instance, claim, registeredAtMs, ttlMs }: InstanceRecord): string => {
  const since =
    registeredAtMs === undefined
      ? ''
      : `, registered ${showAge(Math.max(0, Date.now() - registeredAtMs))} ago`
  const owner = claim === undefined ? '' : ` by ${claim.owner}`
  const ttl = ttlMs === undefined ? '' : `, ttl ${ttlMs} ms`
  return printable(
    `${instance.service}/${instance.id} at ${instance.endpoints.join(' ')}${since}${owner}${ttl}`,
  )
}

/** Whether the user confirms. Without a terminal this needs `--yes`. */
const isConfirmed = async (
  { output, signal }: CommandContext,
  found: readonly InstanceRecord[],
  yes: boolean,
): Promise<boolean> => {
  if (yes) return true
  if (!process.stdin.isTTY)
    throw new UsageError('there is no terminal to ask for confirmation; add --yes')
  for (const record of found) output.stderr.write(`${describe(record)}\n`)
  output.note('An owner that is alive restores its record within its ttl.')
  return confirm(output, 'Remove it?', signal)
}

const deregister = async (
  context: CommandContext,
  service: string,
  id: string,
  { force, yes = false }: DeregisterOptions,
): Promise<number> => {
  const { open, output, progress, signal } = context
  if (force !== true)
    throw new UsageError(
      'only its owner deregisters an instance; to remove the record of a dead owner, add --force',
    )
  const registry = await open()
  const reading = registry.records(service, { signal })
  const { records } = await progress(`reading ${service}`, reading)
  const found = records.filter(({ instance }) => instance.id === id)
  if (found.length === 0) {
    output.note(`sd: no instance ${id} of ${service} is registered`)
    return exitCode.notFound
  }
  const owned = found.filter(({ claim }) => claim !== undefined)
  if (owned.length === 0) {
    output.note(
      `sd: the record of ${service}/${id} names no owner; remove it with the registry's own tools`,
    )
    return exitCode.failed
  }
  if (!(await isConfirmed(context, found, yes))) {
    output.note('sd: nothing was removed')
    return exitCode.failed
  }
  const removing = owned.map((record) => registry.removeRecord(record, { signal }))
  const outcomes = await progress(`removing ${service}/${id}`, Promise.all(removing))
  if (outcomes.includes('not-ours')) {
    output.note(`sd: ${service}/${id} was registered again before its removal, and was not removed`)
    return exitCode.failed
  }
  if (output.json) await output.writeJson([{ type: 'removed', service, id }])
  else {
    await output.write([printable(`${service}/${id} is removed`)])
    output.note('sd: if its owner is alive, it restores the record within its ttl')
  }
  return exitCode.ok
}

/** `sd deregister SERVICE ID --force` */
export const deregisterCommand = (run: Run): Command =>
  registryCommand(
    'deregister',
    'Remove the record of an instance whose owner is dead',
    `A dead owner's record usually expires with its ttl; this command removes one that does not. It asks
for confirmation, and needs --yes without a terminal. An owner that is alive restores its record
within its ttl: stop the owner, or drain it with sd set --weight 0. On Consul only the agent that has
the instance can remove it. Ends with 3 when there is no such instance.`,
    [
      ['sd deregister orders orders-1 --force', 'show the record, ask, remove it'],
      ['sd deregister orders orders-1 --force --yes', 'in a script'],
    ],
  )
    .argument('<service>', 'the service')
    .argument('<id>', 'the instance')
    .option('--force', 'remove the record of another owner')
    .option('--yes', 'do not ask')
    .action((service: string, id: string, options: DeregisterOptions) =>
      run(options, (context) => deregister(context, service, id, options)),
    )
