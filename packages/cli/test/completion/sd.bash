# bash completion of sd: source <(sd completion bash)
_sd() {
  local -a words
  # COMP_WORDS has a URL in pieces, split at its colons
  read -ra words <<< "${COMP_LINE:0:COMP_POINT}x"
  local last=$((${#words[@]} - 1)) command='' flags='' first='' names=0 place=0 service='' index name
  local current=${words[last]%x}
  local -a url=()
  COMPREPLY=()
  for ((index = 1; index < last; index++)); do
    case ${words[index]} in
      --) return ;;
      --url) ((index++)); url=(--url "${words[index]//[\"\']/}") ;;
      --url=*) url=("${words[index]}") ;;
      --tag|--zone|--version|--metadata|--endpoint|--id|--weight|--meta|--check|--check-interval|--check-timeout|--check-failures|--check-successes|--ready-timeout|--on-conflict|--drain|--scheme|--count|--health|--remove-meta|--port|--host|--route|--config|--tls-cert|--tls-key|--admin-port|--trusted-hops|--access-log|--announce) ((index++)) ;;
      -*) ;;
      *) if [[ $command ]]; then ((place++)); service=${words[index]}; else command=${words[index]}; fi ;;
    esac
  done
  # the value of an option
  ((index > last)) && return
  case $command in
    '') flags='--version --url --json --help' first='list watch register resolve set deregister copy gateway doctor completion help' ;;
    list) flags='--json --url --tag --zone --version --metadata --help' first='' names=1 ;;
    watch) flags='--json --url --tag --zone --version --metadata --all --help' first='' names=1 ;;
    register) flags='--json --url --endpoint --id --version --zone --weight --tag --meta --check --check-interval --check-timeout --check-failures --check-successes --ready-timeout --on-conflict --drain --help' first='' names=1 ;;
    resolve) flags='--json --url --tag --zone --version --metadata --scheme --count --help' first='' names=1 ;;
    set) flags='--json --url --weight --health --meta --remove-meta --help' first='' names=2 ;;
    deregister) flags='--json --url --force --yes --help' first='' names=2 ;;
    copy) flags='--json --apply --follow --help' first='' names=0 ;;
    gateway) flags='--json --url --port --host --route --strip-prefix --config --tls-cert --tls-key --admin-port --trusted-hops --access-log --announce --drain --help' first='' names=0 ;;
    doctor) flags='--json --url --probe --help' first='' names=0 ;;
    completion) flags='--json --help' first='bash zsh fish' names=0 ;;
    help) flags='' first='' names=0 ;;
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
    [[ $current == *:* ]] && name=${name#"${current%:*}:"}
    COMPREPLY+=("$name")
  done < <(sd complete "${url[@]}" ${service:+"$service"} 2>/dev/null)
}
complete -o default -F _sd sd