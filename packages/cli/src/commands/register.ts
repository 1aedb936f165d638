import { type Command, InvalidArgumentError, Option } from 'commander'
import type { InstanceInput, Registration, RegistrationStatus, Registry } from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode } from '../exit-code.ts'
import { collect, collectPairs } from '../option-values.ts'
import { readDuration } from '../output/duration.ts'
import { jsonLine } from '../output/printable.ts'
import { answersEarly, readyChecks, waitUntilReady } from '../run-command/readiness.ts'
import { supervise } from '../run-command/supervise.ts'
import { readWeight } from './set.ts'
import { type Run, registryCommand } from './subcommand.ts'

interface RegisterOptions extends CommonOptions {
  readonly endpoint: readonly string[]
  readonly id?: string
  readonly version?: string
  readonly zone?: string
  readonly weight?: number
  readonly tag?: readonly string[]
  readonly meta?: Readonly<Record<string, string>>
  readonly check?: string
  readonly readyTimeout: number
  readonly drain: number
}

/** Validates the instance before anything is started. */
const validate = async (registry: Registry, instance: InstanceInput): Promise<void> => {
  const checked = new Error('checked')
  // `register` with an aborted signal only validates
  await registry.register(instance, { signal: AbortSignal.abort(checked) }).catch((error) => {
    if (error !== checked) throw error
  })
}

const statusText = (
  { service, id, instance }: Registration,
  { state, cause }: RegistrationStatus,
): string => {
  const name = `${service}/${id}`
  const why = cause === undefined ? '' : `: ${cause.message}`
  switch (state) {
    case 'registering':
      return `not registered yet: ${name}${why}`
    case 'registered':
      return `registered ${name} at ${instance.endpoints.join(' ')}`
    case 'recovering':
      return `recovering ${name}${why}`
    case 'superseded':
      return `superseded: somebody else has registered ${name}`
    case 'failed':
      return `refused ${name}${why}`
    case 'closed':
      return `deregistered ${name}`
  }
}

/** Reports every status; resolves to the final one. */
const follow = async (
  registration: Registration,
  tell: (text: string, status: object) => Promise<void> | void,
): Promise<RegistrationStatus> => {
  for await (const status of registration.statuses()) {
    const { state, since, cause } = status
    if (state === 'registering' && cause === undefined) continue
    await tell(`sd: ${statusText(registration, status)}`, {
      type: 'status',
      at: since.toISOString(),
      service: registration.service,
      id: registration.id,
      state,
      ...(cause === undefined ? {} : { code: cause.code, message: cause.message }),
    })
  }
  return registration.status
}

/** Keeps the registration until interrupted. */
const hold = async (
  registration: Registration,
  registry: Registry,
  { output, progress, signal }: CommandContext,
): Promise<number> => {
  const told = follow(registration, (text, status) =>
    output.json ? output.writeJson([status]) : output.note(text),
  )
  const interrupted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  await Promise.race([told, interrupted])
  if (!signal.aborted) return exitCode.failed
  await progress('leaving the registry', registry.close())
  if (registration.status.state === 'closed') await told
  else output.note('sd: the registry does not answer; the instance leaves it with its ttl')
  return exitCode.ok
}

const register = async (
  context: CommandContext,
  service: string,
  command: readonly string[],
  options: RegisterOptions,
): Promise<number> => {
  const { open, output, interruption, signal, progress } = context
  const registry = await open()
  const { endpoint: endpoints, id, version, zone, weight, tag: tags, meta: metadata } = options
  const instance = { service, endpoints, id, version, zone, weight, tags, metadata }
  await validate(registry, instance)
  const [file, ...args] = command
  if (file !== undefined) {
    const checks = readyChecks(endpoints, options.check)
    for (const what of await answersEarly(checks, signal))
      output.note(`sd: ${what} answers before ${file} is started: another process is there already`)
    // the supervisor handles signals from here on; an earlier one would be lost
    signal.throwIfAborted()
    return supervise({
      registry,
      instance,
      command: [file, ...args],
      checks,
      readyTimeoutMs: options.readyTimeout,
      drainMs: options.drain,
      interruption,
      sharesTerminal: process.stdin.isTTY,
      follow: (registration) =>
        // stdout belongs to the command
        follow(registration, (text, status) =>
          output.json ? void output.stderr.write(`${jsonLine(status)}\n`) : output.note(text),
        ),
      note: output.note,
    })
  }
  if (options.check !== undefined) {
    const checks = readyChecks([], options.check)
    await progress(
      `waiting for ${options.check}`,
      waitUntilReady(checks, options.readyTimeout, signal),
    )
  }
  return hold(await registry.register(instance, { waitFor: 'accepted' }), registry, context)
}

const readCheckUrl = (text: string): string => {
  if (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)) return text
  throw new InvalidArgumentError('Expected a URL like http://127.0.0.1:8080/health.')
}

const durationOption = (flag: string, what: string, ms: number, shown: string): Option =>
  new Option(`${flag} <duration>`, what).argParser(readDuration).default(ms, shown)

/** `sd register SERVICE --endpoint URL -- COMMAND` */
export const registerCommand = (run: Run): Command =>
  registryCommand(
    'register',
    'Run a command as a registered service, in any language',
    `Starts COMMAND, registers it when every endpoint's port accepts a connection (or --check
answers 2xx; asked only until it does once), takes it out when it ends, and ends with its exit
code. COMMAND keeps the terminal: stdout is its own, what sd says goes to stderr.

SIGTERM and SIGINT: the instance leaves the registry first, COMMAND serves on for --drain, and
then gets the signal; a second signal is passed on at once. (Ctrl-C on a terminal reaches COMMAND
directly, and is not passed on.) SIGHUP is passed on, nothing else.

While the registry cannot be reached COMMAND runs, and registering is tried for ever. When the
registry refuses, COMMAND is stopped and sd ends with 1.

Without COMMAND the registration is held until interrupted, at once or when --check answers.`,
    [
      ['sd register orders --endpoint http://10.0.0.7:8080 -- ./orders', 'run and register'],
      [
        'sd register orders --endpoint grpc://h:9090 --check http://h:8080/ok -- ./run',
        'by a check',
      ],
      ['sd register db --endpoint postgres://h:5432 --zone eu-1a --meta role=main', 'hold only'],
    ],
  )
    .argument('<service>', 'the name to register under')
    .argument('[command...]', 'what to run, after --')
    .requiredOption('--endpoint <url>', 'where it is reached; may be given again', collect)
    .option('--id <id>', 'default: host name, process id and a random suffix')
    .option('--version <version>', 'version of the software')
    .option('--zone <zone>', 'failure domain')
    .option('--weight <n>', 'share of traffic, 0 to 65535 (default: 100)', readWeight)
    .option('--tag <tag>', 'a label; may be given again', collect)
    .option('--meta <name=value>', 'a pair of metadata; may be given again', collectPairs)
    .option('--check <url>', 'ready when this answers 2xx', readCheckUrl)
    .addOption(durationOption('--ready-timeout', 'how long getting ready may take', 30_000, '30s'))
    .addOption(durationOption('--drain', 'between leaving and the signal', 250, '250ms'))
    .action((service: string, command: readonly string[], options: RegisterOptions) =>
      run(options, (context) => register(context, service, command, options)),
    )
