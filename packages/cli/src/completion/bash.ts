import type { CommandDescription } from './command-tree.ts'
import { printServices } from './service-names.ts'

const words = (texts: readonly string[]): string => texts.join(' ')

const commandCase = ({ name, options, choices, takesService }: CommandDescription): string =>
  `    ${name}) flags='${words(options.map(({ flag }) => flag))}' first='${words(choices)}' services=${takesService ? 'yes' : ''} ;;`

/** Generates the script for bash. */
export const bash = (
  commands: readonly CommandDescription[],
  { options }: CommandDescription,
): string => {
  const valued = [...options, ...commands.flatMap((command) => command.options)]
    .filter(({ takesValue }) => takesValue)
    .map(({ flag }) => flag)
  return `# bash completion of sd: source <(sd completion bash)
_sd() {
  local -a words
  # COMP_WORDS has a URL in pieces, split at its colons
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}x"
  local last=$((\${#words[@]} - 1)) command='' flags='' first='' services='' place=0 index name
  local current=\${words[last]%x}
  COMPREPLY=()
  for ((index = 1; index < last; index++)); do
    case \${words[index]} in
      --) return ;;
      ${[...new Set(valued)].join('|')}) ((index++)) ;;
      -*) ;;
      *) if [[ $command ]]; then ((place++)); else command=\${words[index]}; fi ;;
    esac
  done
  # the value of an option
  ((index > last)) && return
  case $command in
    '') flags='${words(options.map(({ flag }) => flag))}' first='${words(commands.map(({ name }) => name))}' ;;
${commands.map(commandCase).join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif ((place == 0)); then
    COMPREPLY=($(compgen -W "$first" -- "$current"))
    # not by compgen -W, which would run what stands in a name
    [[ $services ]] && while IFS= read -r name; do
      [[ $name == "$current"* ]] || continue
      # bash replaces what follows the last colon
      printf -v name %q "$name"
      [[ $current == *:* ]] && name=\${name#"\${current%:*}:"}
      COMPREPLY+=("$name")
    done < <(${printServices})
  fi
}
complete -o default -F _sd sd`
}
