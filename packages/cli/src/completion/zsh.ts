import type { CommandDescription } from './command-tree.ts'
import { singleQuoted } from './single-quoted.ts'

const escaped = (text: string): string => text.replace(/[\\[\]:]/g, (found) => `\\${found}`)

const optionSpecs = ({ options }: CommandDescription): readonly string[] =>
  options.map(({ flag, description, takesValue }) =>
    singleQuoted(`${flag}[${escaped(description)}]${takesValue ? ':value:_default' : ''}`),
  )

const argumentSpecs = ({ choices, names }: CommandDescription): readonly string[] => [
  ...(choices.length > 0 ? [singleQuoted(`1:value:(${choices.join(' ')})`)] : []),
  ...(names > 0 ? ["'1:service: _sd_names'"] : []),
  ...(names > 1 ? ["'2:id: _sd_names $line[1]'"] : []),
  "'*:argument:_default'",
]

const commandCase = (command: CommandDescription): string =>
  `      ${command.name}) _arguments ${[...optionSpecs(command), ...argumentSpecs(command)].join(' ')} ;;`

/** Generates the script for zsh. */
export const zsh = (
  commands: readonly CommandDescription[],
  program: CommandDescription,
): string => `#compdef sd
# zsh completion of sd: source <(sd completion zsh)
_sd_names() {
  local -a names url
  local index
  url=(\${_sd_url:+--url} \${_sd_url})
  for ((index = 1; index < $#words; index++)); do
    [[ $words[index] == --url ]] && url=(--url \${(Q)words[index+1]})
  done
  names=(\${(f)"$(sd complete $url \${(Q)1} 2>/dev/null)"})
  compadd -a names
}
_sd_commands() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${singleQuoted(`${name}:${escaped(summary)}`)}`).join('\n')}
  )
  _describe command commands
}
_sd() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  # what follows the command is the command's
  _arguments -C -A '-*' ${optionSpecs(program).join(' ')} '1:command:_sd_commands' '*::argument:->arguments'
  local _sd_url=\${(Q)opt_args[--url]}
  if [[ $state == arguments ]]; then
    case $line[1] in
${commands.map(commandCase).join('\n')}
    esac
  fi
}
compdef _sd sd`
