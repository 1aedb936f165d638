import { Registry, RegistryError, resolveBackend } from '@sd/registry'
import { CommandError, exitCode, exitCodeOf } from './exit-code.ts'
import { Interrupted, type Interruption } from './interruption.ts'
import { createOutput, type Output } from './output/output.ts'
import { withProgress } from './output/progress.ts'
import { describeLocation, findRegistry, type RegistryLocation } from './settings.ts'

/** The options of every command. */
export interface CommonOptions {
  readonly url?: string
  readonly json?: boolean
}

/** What a command receives besides its own arguments. */
export interface CommandContext {
  readonly output: Output
  readonly interruption: Interruption
  /** Aborts when the command must end early. */
  readonly signal: AbortSignal
  /** Finds the registry, and the source of that setting. */
  readonly locate: () => Promise<RegistryLocation>
  /** Opens the registry at `url`, or the located one. It is closed when the command ends. */
  readonly open: (url?: string) => Promise<Registry>
  /** Awaits `work`, and shows progress on a terminal. */
  readonly progress: <T>(what: string | (() => string), work: Promise<T>) => Promise<T>
}

const explain = (error: unknown, where: string | undefined): string => {
  if (error instanceof CommandError) return `sd: ${error.message}`
  if (!(error instanceof RegistryError))
    return `sd: ${(error instanceof Error && error.stack) || String(error)}`
  const place = exitCodeOf(error) === exitCode.unreachable && where !== undefined
  return `sd: ${error.message}${place ? `\nsd: the registry is ${where}` : ''}`
}

/** Runs one command: reports its error, closes what it opened, returns its exit code. */
export const runCommand = async (
  options: CommonOptions,
  interruption: Interruption,
  work: (context: CommandContext) => Promise<number>,
): Promise<number> => {
  const { signal } = interruption
  const output = createOutput(options.json ?? false, signal)
  const opened: Registry[] = []
  let where: string | undefined
  const locate = async (): Promise<RegistryLocation> => {
    const location = await findRegistry(options.url, process.env, process.cwd())
    where = describeLocation(location)
    return location
  }
  const context: CommandContext = {
    output,
    interruption,
    signal,
    locate,
    open: async (given) => {
      const url = given ?? (await locate()).url
      const { driver, options: registryOptions } = await resolveBackend(url)
      const registry = new Registry(driver, registryOptions)
      opened.push(registry)
      return registry
    },
    progress: (what, promise) =>
      withProgress(output.stderr, typeof what === 'string' ? () => what : what, promise),
  }
  try {
    return await work(context)
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode
    output.note(explain(error, where))
    return exitCodeOf(error)
  } finally {
    await context.progress('deregistering', Promise.all(opened.map((registry) => registry.close())))
  }
}
