import type { Command } from 'commander'
import {
  type AllWatcher,
  type InstanceChange,
  type Registry,
  type RegistryError,
  resolveBackend,
  type ServiceInstance,
  type WatchEvent,
} from '@sd/registry'
import { resolveRegistryOptions } from '@sd/core'
import type { WireFormat } from '@sd/core/driver'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { type Difference, differencesTo, differenceText, summary } from '../copy/differences.ts'
import { Mirror, type MirrorEvent } from '../copy/mirror.ts'
import { exitCode, UsageError } from '../exit-code.ts'
import { Interrupted } from '../interruption.ts'
import { byName, instanceJson } from '../output/instance-output.ts'
import { lostParts } from '../output/lost-parts.ts'
import type { Output } from '../output/output.ts'
import { printable } from '../output/printable.ts'
import { type Run, subcommand } from './subcommand.ts'

interface CopyOptions extends CommonOptions {
  readonly apply?: boolean
  readonly follow?: boolean
}

/** One side of a copy: a registry with a watch of everything in it. */
interface Side {
  readonly registry: Registry
  readonly watcher: AllWatcher
  readonly format: WireFormat
}

const openSide = async ({ open, signal }: CommandContext, url: string): Promise<Side> => {
  const registry = await open(url)
  // fails on an unreachable registry, for which a watch would wait for ever
  await registry.listServices({ signal })
  const watcher = registry.watchAll({ signal })
  while ((await watcher.next())?.type === 'stale');
  const { format } = resolveRegistryOptions((await resolveBackend(url)).options)
  return { registry, watcher, format }
}

/** Copies are not copied, else two registries that mirror each other would keep them alive. */
const isCopy = ({ watcher }: Side, { service, id }: ServiceInstance): boolean =>
  watcher.record(service, id)?.claim?.claimedAtMs === 0

const nameOf = ({ service, id }: ServiceInstance): string => `${service}/${id}`

const tellDifferences = async (
  output: Output,
  differences: readonly Difference[],
  { format }: Side,
): Promise<void> => {
  if (output.json)
    return output.writeJson(
      differences.map(({ type, instance, standing, reason }) => ({
        type,
        instance: instanceJson(instance, undefined),
        ...(standing === undefined ? {} : { standing: instanceJson(standing, undefined) }),
        ...(reason === undefined ? {} : { reason }),
      })),
    )
  const told = differences.filter(({ type }) => type !== 'same')
  await output.write(told.map((difference) => printable(differenceText(difference, format))))
}

const tellEvent = async (output: Output, event: MirrorEvent): Promise<void> => {
  const { type, instance, cause } = event
  if (output.json)
    return output.writeJson([
      {
        type,
        at: new Date().toISOString(),
        instance: instanceJson(instance, undefined),
        ...(cause === undefined ? {} : { code: cause.code, message: cause.message }),
      },
    ])
  const why = type === 'failed' && cause !== undefined ? `: ${cause.message}` : ''
  await output.write([printable(`${type.padEnd(7)} ${nameOf(instance)}${why}`)])
}

const eachEvent = async (
  watcher: AllWatcher,
  stale: (cause: RegistryError) => void,
  consider: (change: InstanceChange) => void,
): Promise<void> => {
  for await (const event of watcher as AsyncIterable<WatchEvent<InstanceChange>>)
    if (event.type === 'stale') stale(event.cause)
    else event.changes.forEach(consider)
}

/** Keeps the copies until interrupted, and with `follow` mirrors every later change. */
const hold = async (
  { output, progress }: CommandContext,
  source: Side,
  target: Side,
  follow: boolean,
): Promise<number> => {
  const mirror = new Mirror(target.registry, (event) => void tellEvent(output, event))
  const first = source.watcher.instances.filter((instance) => !isCopy(source, instance))
  const atFirst = new Map(first.map((instance) => [nameOf(instance), instance]))
  // without --follow later changes of the source do not matter
  if (!follow) source.watcher.close()
  const consider = ({ instance: { service, id } }: InstanceChange): void => {
    const found = follow ? source.watcher.get(service, id) : atFirst.get(`${service}/${id}`)
    const wanted = found !== undefined && !(follow && isCopy(source, found)) ? found : undefined
    const acting = wanted === undefined ? mirror.drop(service, id) : mirror.want(wanted)
    acting.catch((error: Error) => output.note(`sd: ${error.message}`))
  }
  const tellStale = (side: string) => (cause: RegistryError) =>
    output.note(`sd: the ${side} cannot be reached; its last known state is kept: ${cause.message}`)
  const following = [
    eachEvent(target.watcher, tellStale('target'), (change) => {
      // the owner has left the target, but may still be in the source
      if (change.type === 'removed') consider(change)
    }),
    ...(follow ? [eachEvent(source.watcher, tellStale('source'), consider)] : []),
  ]
  const work = Promise.all(first.map((instance) => mirror.want(instance)))
  try {
    await Promise.race([
      progress(() => `copying ${mirror.size} of ${first.length}`, work),
      ...following,
    ])
    output.note(
      `sd: ${mirror.size} ${mirror.size === 1 ? 'copy is' : 'copies are'} registered until sd ends${follow ? ', and mirrored' : ''}`,
    )
    await Promise.all(following)
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  }
  return exitCode.ok
}

const copy = async (
  context: CommandContext,
  fromUrl: string,
  toUrl: string,
  { apply = false, follow = false }: CopyOptions,
): Promise<number> => {
  const { output, progress } = context
  if (fromUrl === toUrl) throw new UsageError('both URLs name the same registry')
  if (follow && !apply) throw new UsageError('--follow needs --apply')
  const source = await progress('reading the source', openSide(context, fromUrl))
  const target = await progress('reading the target', openSide(context, toUrl))
  const instances = source.watcher.instances.filter((instance) => !isCopy(source, instance))
  const differences = differencesTo(instances.toSorted(byName), target)
  await tellDifferences(output, differences, target)
  const { skipped } = await source.registry.records(undefined, { signal: context.signal })
  for (const { key, reason } of skipped)
    output.note(printable(`sd: record ${key} cannot be read, and is not copied: ${reason}`))
  output.note(`sd: ${summary(differences, skipped.length)}`)
  const { name, lacks } = target.format
  if (lacks.length > 0)
    output.note(`sd: copies lose what ${name} cannot carry: ${lostParts(lacks)}`)
  if (apply) return hold(context, source, target, follow)
  output.note('sd: nothing was changed; add --apply to do it')
  return exitCode.ok
}

/** `sd copy FROM-URL TO-URL` */
export const copyCommand = (run: Run): Command =>
  subcommand(
    'copy',
    'Mirror the services of one registry into another, for a migration',
    `Prints the differences and changes nothing, unless --apply is given. A copy has the service, id,
endpoints, version, zone, weight, health, tags and metadata of its instance. It is registered only
where no other owner registers that id in the target, and removed at once when one does.

Copies exist as long as sd runs: with --apply it runs until interrupted, and removes all copies when
it ends. Without --follow they keep their initial state; with it every later change of the source is
mirrored, and while the source cannot be reached its last known state is kept. Move the owners to
the target one by one, then the readers, then end sd. Copies themselves are never copied.`,
    [
      ['sd copy consul://old:8500 etcd://new:2379', 'print the differences'],
      ['sd copy consul://old:8500 etcd://new:2379 --apply --follow', 'during the migration'],
    ],
  )
    .argument('<from-url>', 'the registry to read')
    .argument('<to-url>', 'the registry to write')
    .option('--apply', 'register the copies until interrupted')
    .option('--follow', 'mirror later changes of the source')
    .action((fromUrl: string, toUrl: string, options: CopyOptions) =>
      run(options, (context) => copy(context, fromUrl, toUrl, options)),
    )
