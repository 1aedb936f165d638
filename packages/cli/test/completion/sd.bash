# bash completion of sd: source <(sd completion bash)
_sd() {
  local -a words
  # COMP_WORDS has a URL in pieces, split at its colons
  read -ra words <<< "${COMP_LINE:0:COMP_POINT}x"
  local last=$((${#words[@]} - 1)) command='' flags='' first='' services='' place=0 index name
  local current=${words[last]%x}
  COMPREPLY=()
  for ((index = 1; index < last; index++)); do
    case ${words[index]} in
      --) return ;;
      --url|--tag|--zone|--version|--metadata|--endpoint|--id|--weight|--meta|--check|--check-interval|--check-timeout|--check-failures|--check-successes|--ready-timeout|--drain|--scheme|--count|--health|--remove-meta) ((index++)) ;;
      -*) ;;
      *) if [[ $command ]]; then ((place++)); else command=${words[index]}; fi ;;
    esac
  done
  # the value of an option
  ((index > last)) && return
  case $command in
    '') flags='--version --url --json --help' first='list watch register resolve set deregister copy doctor completion' ;;
    list) flags='--json --url --tag --zone --version --metadata --help' first='' services=yes ;;
    watch) flags='--json --url --tag --zone --version --metadata --all --help' first='' services=yes ;;
    register) flags='--json --url --endpoint --id --version --zone --weight --tag --meta --check --check-interval --check-timeout --check-failures --check-successes --ready-timeout --drain --help' first='' services=yes ;;
    resolve) flags='--json --url --tag --zone --version --metadata --scheme --count --help' first='' services=yes ;;
    set) flags='--json --url --weight --health --meta --remove-meta --help' first='' services=yes ;;
    deregister) flags='--json --url --force --yes --help' first='' services=yes ;;
    copy) flags='--json --apply --follow --help' first='' services= ;;
    doctor) flags='--json --url --probe --help' first='' services= ;;
    completion) flags='--json --help' first='bash zsh fish' services= ;;
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
      [[ $current == *:* ]] && name=${name#"${current%:*}:"}
      COMPREPLY+=("$name")
    done < <(sd list --json 2>/dev/null | sed -n 's/^{"service":"\([^"\\]*\)"}$/\1/p')
  fi
}
complete -o default -F _sd sd