#compdef sd
# zsh completion of sd: source <(sd completion zsh)
_sd_names() {
  local -a names url
  local index
  url=(${_sd_url:+--url} ${_sd_url})
  for ((index = 1; index < $#words; index++)); do
    [[ $words[index] == --url ]] && url=(--url ${(Q)words[index+1]})
  done
  names=(${(f)"$(sd complete $url ${(Q)1} 2>/dev/null)"})
  compadd -a names
}
_sd_commands() {
  local -a commands
  commands=(
    'list:Show the services, or the instances of one'
    'watch:Follow the instances of one service, or of all'
    'register:Run a command as a registered service, in any language'
    'resolve:Print live endpoints of a service, one per line'
    'set:Change the weight, the health or the metadata of a running instance'
    'deregister:Remove the record of an instance whose owner is dead'
    'copy:Mirror the services of one registry into another, for a migration'
    'gateway:Forward requests to services by name'
    'doctor:Find out what is wrong with a registry'
    'completion:Print the completion script of a shell'
    'help:'
  )
  _describe command commands
}
_sd() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  # what follows the command is the command's
  _arguments -C -A '-*' '--version[print the version]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--json[one JSON object per line]' '--help[display help for command]' '1:command:_sd_commands' '*::argument:->arguments'
  local _sd_url=${(Q)opt_args[--url]}
  if [[ $state == arguments ]]; then
    case $line[1] in
      list) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--tag[only with this label; repeated\: with all of them]:value:_default' '--zone[only in this zone; repeated\: in any of them]:value:_default' '--version[only versions in this range, like ^1.4]:value:_default' '--metadata[only with this entry; repeated\: with all of them]:value:_default' '--help[display help for command]' '1:service: _sd_names' '*:argument:_default' ;;
      watch) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--tag[only with this label; repeated\: with all of them]:value:_default' '--zone[only in this zone; repeated\: in any of them]:value:_default' '--version[only versions in this range, like ^1.4]:value:_default' '--metadata[only with this entry; repeated\: with all of them]:value:_default' '--all[follow every service]' '--help[display help for command]' '1:service: _sd_names' '*:argument:_default' ;;
      register) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--endpoint[address of the instance; may be repeated]:value:_default' '--id[default\: host name, process id and a random suffix]:value:_default' '--version[version of the software]:value:_default' '--zone[failure domain]:value:_default' '--weight[share of traffic, 0 to 65535 (default\: 100)]:value:_default' '--tag[a label; may be repeated]:value:_default' '--meta[a metadata entry; may be repeated]:value:_default' '--check[register when this passes; then its health]:value:_default' '--check-interval[time between checks (default\: 5s)]:value:_default' '--check-timeout[of one check (default\: 1s)]:value:_default' '--check-failures[in a row, before it is failing (default\: 3)]:value:_default' '--check-successes[in a row, before it passes again (default\: 1)]:value:_default' '--ready-timeout[longest time until it is ready]:value:_default' '--on-conflict[what to do if another process has the id]:value:_default' '--drain[time between deregistering and the signal]:value:_default' '--help[display help for command]' '1:service: _sd_names' '*:argument:_default' ;;
      resolve) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--tag[only with this label; repeated\: with all of them]:value:_default' '--zone[only in this zone; repeated\: in any of them]:value:_default' '--version[only versions in this range, like ^1.4]:value:_default' '--metadata[only with this entry; repeated\: with all of them]:value:_default' '--scheme[only endpoints with this scheme, like http]:value:_default' '--count[at most that many lines]:value:_default' '--help[display help for command]' '1:service: _sd_names' '*:argument:_default' ;;
      set) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--weight[0 to 65535; 0 drains, 100 is the default]:value:_default' '--health[whether it wants calls]:value:_default' '--meta[sets a metadata entry; may be repeated]:value:_default' '--remove-meta[removes a metadata entry; may be repeated]:value:_default' '--help[display help for command]' '1:service: _sd_names' '2:id: _sd_names $line[1]' '*:argument:_default' ;;
      deregister) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--force[remove the record of another owner]' '--yes[do not ask]' '--help[display help for command]' '1:service: _sd_names' '2:id: _sd_names $line[1]' '*:argument:_default' ;;
      copy) _arguments '--json[one JSON object per line]' '--apply[register the copies until interrupted]' '--follow[mirror later changes of the source]' '--help[display help for command]' '*:argument:_default' ;;
      gateway) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--port[the port to listen on (default\: 8080)]:value:_default' '--host[the address to listen on (default\: all)]:value:_default' '--route[\[HOST\]\[/PREFIX\]=SERVICE; may be repeated]:value:_default' '--strip-prefix[instances get paths without the prefix of --route]' '--config[a JSON file with routes and settings]:value:_default' '--tls-cert[PEM certificate for clients; with --tls-key]:value:_default' '--tls-key[its private key]:value:_default' '--admin-port[a port for the probes and /metrics]:value:_default' '--trusted-hops[proxies in front to believe (default\: 0)]:value:_default' '--access-log[default\: combined, json with --json]:value:_default' '--announce[time from a signal until it drains]:value:_default' '--drain[longest time for requests under way]:value:_default' '--help[display help for command]' '*:argument:_default' ;;
      doctor) _arguments '--json[one JSON object per line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--probe[connect to the port of every endpoint]' '--help[display help for command]' '*:argument:_default' ;;
      completion) _arguments '--json[one JSON object per line]' '--help[display help for command]' '1:value:(bash zsh fish)' '*:argument:_default' ;;
      help) _arguments '*:argument:_default' ;;
    esac
  fi
}
compdef _sd sd