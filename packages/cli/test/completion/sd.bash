# bash completion of sd: source <(sd completion bash)
_sd() {
  local current=${COMP_WORDS[COMP_CWORD]} command='' flags='' first='' services='' index name
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case ${COMP_WORDS[index]} in
      --url) ((index++)) ;;
      -*) ;;
      *) command=${COMP_WORDS[index]}; break ;;
    esac
  done
  case $command in
    '') flags='--version --url --json --help' first='list watch register resolve set deregister copy doctor completion' index=$((COMP_CWORD - 1)) ;;
    list) flags='--json --url --help' first='' services=yes ;;
    watch) flags='--json --url --all --help' first='' services=yes ;;
    register) flags='--json --url --endpoint --id --version --zone --weight --tag --meta --check --ready-timeout --drain --help' first='' services=yes ;;
    resolve) flags='--json --url --scheme --count --help' first='' services=yes ;;
    set) flags='--json --url --weight --help' first='' services=yes ;;
    deregister) flags='--json --url --force --yes --help' first='' services=yes ;;
    copy) flags='--json --apply --follow --help' first='' services= ;;
    doctor) flags='--json --url --probe --help' first='' services= ;;
    completion) flags='--json --help' first='bash zsh fish' services= ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif ((COMP_CWORD == index + 1)); then
    COMPREPLY=($(compgen -W "$first" -- "$current"))
    # not by compgen -W, which would run what stands in a name
    [[ $services ]] && while IFS= read -r name; do
      [[ $name == "$current"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done < <(sd list --json 2>/dev/null | sed -n 's/^{"service":"\([^"\\]*\)"}$/\1/p')
  fi
}
complete -o default -F _sd sd