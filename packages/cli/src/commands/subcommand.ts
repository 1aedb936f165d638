import { Command, Option } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'

/** Runs what a parsed command line asks for. */
export type Run = (
  options: CommonOptions,
  work: (context: CommandContext) => Promise<number>,
) => Promise<void>

/** A way to call the command, and what for. */
export type Example = readonly [call: string, what: string]

const exampleText = (examples: readonly Example[]): string =>
  ['\nExamples:', ...examples.map(([call, what]) => `  # ${what}\n  ${call}`)].join('\n')

/** Paragraphs without our own line ends: help is wrapped to the terminal's width. */
const unwrapped = (text: string): string => text.replace(/([^\n])\n(?!\n)/g, '$1 ')

/** `--url`, before the command or after it. */
export const urlOption = (): Option =>
  new Option('--url <url>', 'the registry, like etcd://host:2379/services?ttl=10s')

/** A command with what all have: JSON, and help with examples. */
export const subcommand = (
  name: string,
  summary: string,
  details: string,
  examples: readonly Example[],
): Command =>
  new Command(name)
    .summary(summary)
    .description(`${summary}.\n\n${unwrapped(details)}`)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', exampleText(examples))

/** A command on the one registry that is meant. */
export const registryCommand = (...parts: Parameters<typeof subcommand>): Command =>
  subcommand(...parts).addOption(urlOption())
