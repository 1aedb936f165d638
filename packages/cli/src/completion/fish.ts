import type { CommandDescription } from './command-tree.ts'

const quoted = (text: string): string => `'${text.replace(/[\\']/g, (found) => `\\${found}`)}'`

const optionLines = (condition: string, { options }: CommandDescription): readonly string[] =>
  options.map(
    ({ flag, description, takesValue }) =>
      `complete -c sd -n ${quoted(condition)} -l ${flag.slice(2)}${takesValue ? ' -r' : ''} -d ${quoted(description)}`,
  )

const commandLines = (command: CommandDescription): readonly string[] => {
  const { name, choices, names } = command
  const condition = `__fish_seen_subcommand_from ${name}`
  const argumentsAt = (place: number, words: string): readonly string[] => [
    `complete -c sd -f -n ${quoted(`__sd_at ${name} ${place}`)} -a ${quoted(words)}`,
  ]
  return [
    ...optionLines(condition, command),
    ...(choices.length > 0 ? argumentsAt(0, choices.join(' ')) : []),
    ...(names > 0 ? argumentsAt(0, '(__sd_names)') : []),
    ...(names > 1 ? argumentsAt(1, `(__sd_names (__sd_arguments ${name}))`) : []),
  ]
}

/** Generates the script for fish. */
export const fish = (
  commands: readonly CommandDescription[],
  program: CommandDescription,
): string => {
  const valued = [program, ...commands]
    .flatMap(({ options }) => options)
    .flatMap(({ flag, takesValue }) => (takesValue ? [flag] : []))
  const lines = [
    '# fish completion of sd: sd completion fish | source',
    '# the arguments after a command, without options and their values',
    'function __sd_arguments',
    '  set -l words (commandline -opc)',
    '  set -l place (contains -i -- $argv[1] $words); or return 1',
    '  set -l skip 0',
    '  for word in $words[(math $place + 1)..]',
    '    if test $skip = 1',
    '      set skip 0',
    `    else if contains -- $word ${[...new Set(valued)].join(' ')}`,
    '      set skip 1',
    "    else if not string match -q -- '-*' $word",
    '      echo $word',
    '    end',
    '  end',
    'end',
    'function __sd_at',
    '  set -l given (__sd_arguments $argv[1]); or return 1',
    '  test (count $given) = $argv[2]',
    'end',
    'function __sd_names',
    '  set -l words (commandline -opc)',
    '  set -l url',
    '  set -l place (contains -i -- --url $words); and set url --url $words[(math $place + 1)]',
    '  sd complete $url $argv 2>/dev/null',
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
