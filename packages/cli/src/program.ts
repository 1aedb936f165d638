import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { completionCommand } from './commands/completion.ts'
import { copyCommand } from './commands/copy.ts'
import { deregisterCommand } from './commands/deregister.ts'
import { doctorCommand } from './commands/doctor.ts'
import { gatewayCommand } from './commands/gateway.ts'
import { listCommand } from './commands/list.ts'
import { registerCommand } from './commands/register.ts'
import { resolveCommand } from './commands/resolve.ts'
import { setCommand } from './commands/set.ts'
import { type Run, urlOption } from './commands/subcommand.ts'
import { watchCommand } from './commands/watch.ts'
import type { CommonOptions } from './command-context.ts'

const version = (): string => {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}

const afterHelp = `
The registry is that of --url, else SD_URL, else the nearest .sdrc.json ({ "url": "…" }) or "sd" in
a package.json in this folder or above, else the embedded default.

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 not found, 4 registry unreachable, 130 interrupted.
NO_COLOR turns colours off.

Examples:
  sd register orders --endpoint http://127.0.0.1:8080 -- node server.js
  sd watch orders
  curl "$(sd resolve orders --count 1)/health"`

/** Creates the whole command line, which passes the chosen command to `run`. */
export const createProgram = (run: Run): Command => {
  const program = new Command('sd')
    .description('Read a service registry, and register in it.')
    .version(version(), '--version', 'print the version')
    .addOption(urlOption())
    .option('--json', 'one JSON object per line')
    // keeps a command's own --version apart from the program's
    .enablePositionalOptions()
    .helpCommand('help [command]', 'show the help of sd, or of one command')
    .addHelpText('after', afterHelp)
  const runMerged: Run = (options, work) =>
    run({ ...program.opts<CommonOptions>(), ...options }, work)
  const commands = [
    listCommand,
    watchCommand,
    registerCommand,
    resolveCommand,
    setCommand,
    deregisterCommand,
    copyCommand,
    gatewayCommand,
    doctorCommand,
    completionCommand,
  ]
  for (const create of commands) program.addCommand(create(runMerged, program))
  // addCommand does not pass these settings on
  for (const command of [program, ...program.commands])
    command
      .exitOverride()
      .showHelpAfterError(
        `(${command === program ? 'sd' : `sd ${command.name()}`} --help shows the usage)`,
      )
      .configureOutput({
        outputError: (text, write) => write(text.replace(/^error: /, 'sd: ')),
      })
  return program
}
