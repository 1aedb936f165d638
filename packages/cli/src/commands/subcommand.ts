import { Command, Option } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'

/** Runs a parsed command. */
export type Run = (
  options: CommonOptions,
  work: (context: CommandContext) => Promise<number>,
) => Promise<void>

/** A call of the command, and its purpose. */
export type Example = readonly [call: string, what: string]

const exampleText = (examples: readonly Example[]): string =>
  ['\nExamples:', ...examples.map(([call, what]) => `  # ${what}\n  ${call}`)].join('\n')

/** Joins the lines of each paragraph, because help is wrapped to the terminal's width. */
const unwrapped = (text: string): string => text.replace(/([^\n])\n(?!\n)/g, '$1 ')

/** `--url`, before the command or after it. */
export const urlOption = (): Option =>
  new Option('--url <url>', 'the registry, like etcd://host:2379/services?ttl=10s')

/** Creates a command with the common parts: JSON, and help with examples. */
export const subcommand = (
  name: string,
  summary: string,
  details: string,
  examples: readonly Example[],
): Command =>
  new Command(name)
    .summary(summary)
    .description(`${summary}.\n\n${unwrapped(details)}`)
    .option('--json', 'one JSON object per line')
    .addHelpText('after', exampleText(examples))

/** Creates a command that uses one registry. */
export const registryCommand = (...parts: Parameters<typeof subcommand>): Command =>
  subcommand(...parts).addOption(urlOption())
