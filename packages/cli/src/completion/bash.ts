import type { CommandDescription } from './command-tree.ts'

const words = (texts: readonly string[]): string => texts.join(' ')

const commandCase = ({ name, options, choices, names }: CommandDescription): string =>
  `    ${name}) flags='${words(options.map(({ flag }) => flag))}' first='${words(choices)}' names=${names} ;;`

/** Generates the script for bash. */
export const bash = (
  commands: readonly CommandDescription[],
  { options }: CommandDescription,
): string => {
  const valued = [...options, ...commands.flatMap((command) => command.options)]
    .filter(({ flag, takesValue }) => takesValue && flag !== '--url')
    .map(({ flag }) => flag)
  return `# bash completion of sd: source <(sd completion bash)
_sd() {
  local -a words
  # COMP_WORDS has a URL in pieces, split at its colons
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}x"
  local last=$((\${#words[@]} - 1)) command='' flags='' first='' names=0 place=0 service='' index name
  local current=\${words[last]%x}
  local -a url=()
  COMPREPLY=()
  for ((index = 1; index < last; index++)); do
    case \${words[index]} in
      --) return ;;
      --url) ((index++)); url=(--url "\${words[index]//[\\"\\']/}") ;;
      --url=*) url=("\${words[index]}") ;;
      ${[...new Set(valued)].join('|')}) ((index++)) ;;
      -*) ;;
      *) if [[ $command ]]; then ((place++)); service=\${words[index]}; else command=\${words[index]}; fi ;;
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
    return
  fi
  ((place == 0)) && COMPREPLY=($(compgen -W "$first" -- "$current"))
  # not by compgen -W, which would run what stands in a name
  ((place < names)) && while IFS= read -r name; do
    [[ $name == "$current"* ]] || continue
    # bash replaces what follows the last colon
    printf -v name %q "$name"
    [[ $current == *:* ]] && name=\${name#"\${current%:*}:"}
    COMPREPLY+=("$name")
  done < <(sd complete "\${url[@]}" \${service:+"$service"} 2>/dev/null)
}
complete -o default -F _sd sd`
}
