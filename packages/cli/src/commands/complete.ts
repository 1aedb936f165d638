import { Command, Option } from 'commander'
import type { CommonOptions } from '../command-context.ts'
import { exitCode } from '../exit-code.ts'
import { readDuration } from '../output/duration.ts'
import { type Run, urlOption } from './subcommand.ts'

interface CompleteOptions extends CommonOptions {
  readonly within: number
}

/** The scripts read one name from each line. */
const isOneLine = (name: string): boolean => !/\p{Cc}/u.test(name)

/**
 * `sd complete [SERVICE]`, for the completion scripts: prints the names of the services, or the ids
 * of the instances of one. Prints nothing if the registry does not answer within 300 ms.
 */
export const completeCommand = (run: Run): Command =>
  new Command('complete')
    .argument('[service]')
    .addOption(urlOption())
    // a shell waits for it
    .addOption(new Option('--within <duration>').argParser(readDuration).default(300))
    .action((service: string | undefined, options: CompleteOptions) =>
      run(options, async ({ open, output, signal }) => {
        // at once: closing a registry that is away would take longer
        setTimeout(() => process.exit(exitCode.ok), options.within)
        const registry = await open()
        const names =
          service === undefined
            ? await registry.listServices({ signal })
            : (await registry.list(service, { signal })).map(({ id }) => id)
        await output.write(names.filter(isOneLine))
        process.exit(exitCode.ok)
      }),
    )
