import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type CheckOptions,
  type DiagnosticEvent,
  diagnosticChannels,
  type InstanceInput,
  type Registry,
} from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { exitCode } from '../exit-code.ts'
import { collect, collectPairs } from '../option-values.ts'
import { readDuration } from '../output/duration.ts'
import { jsonLine } from '../output/printable.ts'
import {
  type ConflictChoice,
  conflictChoices,
  Holding,
  type TellStatus,
} from '../run-command/holding.ts'
import { answersEarly, checkOf, readyChecks, waitUntilReady } from '../run-command/readiness.ts'
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
  readonly checkInterval?: number
  readonly checkTimeout?: number
  readonly checkFailures?: number
  readonly checkSuccesses?: number
  readonly readyTimeout: number
  readonly drain: number
  readonly onConflict: ConflictChoice
}

/** The time of a message in UTC: COMMAND's own output is in between. */
const timeOfDay = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** Validates the instance before anything is started. */
const validate = async (
  registry: Registry,
  instance: InstanceInput,
  check: CheckOptions,
): Promise<void> => {
  const checked = new Error('checked')
  // `register` with an aborted signal only validates
  const signal = AbortSignal.abort(checked)
  await registry.register(instance, { signal, ...check }).catch((error) => {
    if (error !== checked) throw error
  })
}

const checkOptionsOf = (options: RegisterOptions): CheckOptions => ({
  check: options.check === undefined ? undefined : checkOf(options.check),
  intervalMs: options.checkInterval,
  timeoutMs: options.checkTimeout,
  failuresBeforeFailing: options.checkFailures,
  successesBeforePassing: options.checkSuccesses,
})

/** Reports when the check of an instance begins to fail, and when it passes again. */
const followCheck = (tell: (text: string, report: object) => void): Disposable => {
  const listen = (message: unknown): void => {
    const { event, service, id, cause } = message as DiagnosticEvent
    if (event !== 'check-failing' && event !== 'check-passing') return
    const health = event === 'check-failing' ? 'failing' : 'passing'
    const why = cause === undefined ? '' : `: ${cause.message}`
    tell(`sd: the check of ${String(service)}/${String(id)} is ${health}${why}`, {
      type: 'check',
      at: new Date().toISOString(),
      service,
      id,
      health,
      ...(cause === undefined ? {} : { code: cause.code, message: cause.message }),
    })
  }
  subscribe(diagnosticChannels.registration, listen)
  return { [Symbol.dispose]: () => void unsubscribe(diagnosticChannels.registration, listen) }
}

/** Keeps the registration until interrupted. */
const hold = async (
  holding: Holding,
  registry: Registry,
  { output, progress, signal }: CommandContext,
): Promise<number> => {
  const final = holding.hold()
  const interrupted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  await Promise.race([final, interrupted])
  if (!signal.aborted) return exitCode.failed
  let acknowledged = false
  const left = holding.leave().then(
    () => (acknowledged = true),
    () => false,
  )
  await progress('deregistering', Promise.race([left, registry.close()]))
  if (acknowledged) await final
  else output.note('sd: the registry does not answer; the instance expires with its ttl')
  return exitCode.ok
}

const register = async (
  context: CommandContext,
  service: string,
  command: readonly string[],
  options: RegisterOptions,
): Promise<number> => {
  const { open, output, interruption, signal, progress } = context
  const note = (text: string): void => output.note(text.replace(/^sd:/, `sd: ${timeOfDay()}`))
  const registry = await open()
  const { endpoint: endpoints, id, version, zone, weight, tag: tags, meta: metadata } = options
  const instance = { service, endpoints, id, version, zone, weight, tags, metadata }
  const health = checkOptionsOf(options)
  await validate(registry, instance, health)
  const [file, ...args] = command
  const tell: TellStatus = (text, status) => {
    if (!output.json) return note(text)
    if (file === undefined) return output.writeJson([status])
    // stdout belongs to the command
    output.stderr.write(`${jsonLine(status)}\n`)
  }
  const { onConflict } = options
  const holding = new Holding({ registry, instance, health, onConflict, running: file, tell })
  if (file !== undefined) {
    const checks = readyChecks(endpoints, options.check)
    for (const what of await answersEarly(checks, signal))
      output.note(
        `sd: ${what} answers before ${file} is started: another process already uses the port`,
      )
    // the supervisor handles signals from here on; an earlier one would be lost
    signal.throwIfAborted()
    using _ = followCheck((text, report) => void tell(text, report))
    return await supervise({
      holding,
      command: [file, ...args],
      checks,
      readyTimeoutMs: options.readyTimeout,
      drainMs: options.drain,
      interruption,
      sharesTerminal: process.stdin.isTTY,
      note,
    })
  }
  if (options.check !== undefined) {
    const checks = readyChecks([], options.check)
    await progress(
      `waiting for ${options.check}`,
      waitUntilReady(checks, options.readyTimeout, signal),
    )
  }
  using _ = followCheck((text, report) => void tell(text, report))
  return await hold(holding, registry, context)
}

const readCheckUrl = (text: string): string => {
  if (checkOf(text) !== undefined) return text
  throw new InvalidArgumentError(
    'Expected a URL like http://127.0.0.1:8080/health, tcp://127.0.0.1:5432, or grpc://127.0.0.1:9090.',
  )
}

const readCount = (text: string): number => {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number from 1 to 999.')
}

const durationOption = (flag: string, what: string, ms: number, shown: string): Option =>
  new Option(`${flag} <duration>`, what).argParser(readDuration).default(ms, shown)

/** `sd register SERVICE --endpoint URL -- COMMAND` */
export const registerCommand = (run: Run): Command =>
  registryCommand(
    'register',
    'Run a command as a registered service, in any language',
    `Starts COMMAND, registers it when the port of every endpoint accepts a connection (or once --check
passes), deregisters it when COMMAND ends, and ends with its exit code. COMMAND keeps the
terminal: stdout belongs to it, and messages of sd go to stderr.

On SIGTERM and SIGINT sd deregisters the instance, lets COMMAND serve for --drain, and then forwards
the signal; it forwards a second signal at once. (Ctrl-C on a terminal reaches COMMAND directly, and
is not forwarded.) SIGHUP is forwarded, and no other signal.

--check takes http://, https://, tcp://host:port, or grpc://host:port/SERVICE (grpc.health.v1; without
SERVICE the server as a whole). It goes on while the instance is registered: after --check-failures
failures in a row the instance is failing, and clients pick others; COMMAND keeps running. So a process
that hangs gets no calls after failures * interval + timeout.

While the registry cannot be reached, COMMAND runs and sd keeps trying to register. When the
registry refuses, sd stops COMMAND and ends with 1.

When another process registers the same id later, COMMAND keeps running without being registered.
With --on-conflict wait, sd registers again when that process has left. With reject, the id must be
free at the start.

Without COMMAND sd registers at once, or when --check passes, and stays until interrupted.`,
    [
      ['sd register orders --endpoint http://10.0.0.7:8080 -- ./orders', 'run and register'],
      [
        'sd register orders --endpoint grpc://h:9090 --check http://h:8080/ok -- ./run',
        'register when a check passes',
      ],
      [
        'sd register db --endpoint postgres://h:5432 --zone eu-1a --meta role=main',
        'register without a command',
      ],
    ],
  )
    .argument('<service>', 'the name to register under')
    .argument('[command...]', 'the command to run, after --')
    .requiredOption('--endpoint <url>', 'address of the instance; may be repeated', collect)
    .option('--id <id>', 'default: host name, process id and a random suffix')
    .option('--version <version>', 'version of the software')
    .option('--zone <zone>', 'failure domain')
    .option('--weight <n>', 'share of traffic, 0 to 65535 (default: 100)', readWeight)
    .option('--tag <tag>', 'a label; may be repeated', collect)
    .option('--meta <name=value>', 'a metadata entry; may be repeated', collectPairs)
    .option('--check <url>', 'register when this passes; then its health', readCheckUrl)
    .option('--check-interval <duration>', 'time between checks (default: 5s)', readDuration)
    .option('--check-timeout <duration>', 'of one check (default: 1s)', readDuration)
    .option('--check-failures <n>', 'in a row, before it is failing (default: 3)', readCount)
    .option('--check-successes <n>', 'in a row, before it passes again (default: 1)', readCount)
    .addOption(durationOption('--ready-timeout', 'longest time until it is ready', 30_000, '30s'))
    .addOption(
      new Option('--on-conflict <rule>', 'what to do if another process has the id')
        .choices(conflictChoices)
        .default('takeover'),
    )
    .addOption(durationOption('--drain', 'time between deregistering and the signal', 250, '250ms'))
    .action((service: string, command: readonly string[], options: RegisterOptions) =>
      run(options, (context) => register(context, service, command, options)),
    )
