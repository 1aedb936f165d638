import type { CommandDescription } from './command-tree.ts'
import { printServices } from './service-names.ts'

const quoted = (text: string): string => `'${text.replace(/[\\']/g, (found) => `\\${found}`)}'`

const optionLines = (condition: string, { options }: CommandDescription): readonly string[] =>
  options.map(
    ({ flag, description, takesValue }) =>
      `complete -c sd -n ${quoted(condition)} -l ${flag.slice(2)}${takesValue ? ' -r' : ''} -d ${quoted(description)}`,
  )

const commandLines = (command: CommandDescription): readonly string[] => {
  const { name, choices, takesService } = command
  const condition = `__fish_seen_subcommand_from ${name}`
  const words = takesService ? '(__sd_services)' : choices.join(' ')
  return [
    ...optionLines(condition, command),
    ...(words === '' ? [] : [`complete -c sd -f -n ${quoted(condition)} -a ${quoted(words)}`]),
  ]
}

/** Generates the script for fish. */
export const fish = (
  commands: readonly CommandDescription[],
  program: CommandDescription,
): string => {
  const lines = [
    '# fish completion of sd: sd completion fish | source',
    'function __sd_services',
    `  ${printServices}`,
    'end',
    ...commands.map(
      ({ name, summary }) =>
        `complete -c sd -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ),
    ...optionLines('__fish_use_subcommand', program),
    ...commands.flatMap(commandLines),
  ]
  return lines.join('\n')
}
