import type { CommandDescription } from './command-tree.ts'
import { printServices } from './service-names.ts'

const words = (texts: readonly string[]): string => texts.join(' ')

const commandCase = ({ name, options, choices, takesService }: CommandDescription): string =>
  `    ${name}) flags='${words(options.map(({ flag }) => flag))}' first='${words(choices)}' services=${takesService ? 'yes' : ''} ;;`

/** The script for bash. */
export const bash = (
  commands: readonly CommandDescription[],
  { options }: CommandDescription,
): string => `# bash completion of sd: source <(sd completion bash)
_sd() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' flags='' first='' services='' index name
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      --url) ((index++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[index]}; break ;;
    esac
  done
  case $command in
    '') flags='${words(options.map(({ flag }) => flag))}' first='${words(commands.map(({ name }) => name))}' index=$((COMP_CWORD - 1)) ;;
${commands.map(commandCase).join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif ((COMP_CWORD == index + 1)); then
    COMPREPLY=($(compgen -W "$first" -- "$current"))
    # not by compgen -W, which would run what stands in a name
    [[ $services ]] && while IFS= read -r name; do
      [[ $name == "$current"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done < <(${printServices})
  fi
}
complete -o default -F _sd sd`
