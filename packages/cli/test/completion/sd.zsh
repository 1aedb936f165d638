#compdef sd
# zsh completion of sd: source <(sd completion zsh)
_sd_services() {
  local -a services
  services=(${(f)"$(sd list --json 2>/dev/null | sed -n 's/^{"service":"\([^"\\]*\)"}$/\1/p')"})
  compadd -a services
}
_sd_commands() {
  local -a commands
  commands=(
    'list:Show the services, or the instances of one'
    'watch:Follow the instances of one service, or of all'
    'register:Run a command as a registered service, in any language'
    'resolve:Print live endpoints of a service, one a line'
    'set:Change the weight of a running instance'
    'deregister:Remove the record of an instance whose owner is dead'
    'copy:Mirror the services of one registry into another, for a migration'
    'doctor:Find out what is wrong with a registry'
    'completion:Print the completion script of a shell'
  )
  _describe command commands
}
_sd() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  # what follows the command is the command's
  _arguments -C -A '-*' '--version[print the version]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--json[one JSON object a line]' '--help[display help for command]' '1:command:_sd_commands' '*::argument:->arguments'
  if [[ $state == arguments ]]; then
    case $line[1] in
      list) _arguments '--json[one JSON object a line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--tag[only with this label; given again, with all]:value:_default' '--zone[only in this zone; given again, in one of them]:value:_default' '--version[only versions in this range, like ^1.4]:value:_default' '--metadata[only with this pair; given again, with all]:value:_default' '--help[display help for command]' '1:service:_sd_services' '*:argument:_default' ;;
      watch) _arguments '--json[one JSON object a line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--tag[only with this label; given again, with all]:value:_default' '--zone[only in this zone; given again, in one of them]:value:_default' '--version[only versions in this range, like ^1.4]:value:_default' '--metadata[only with this pair; given again, with all]:value:_default' '--all[follow every service]' '--help[display help for command]' '1:service:_sd_services' '*:argument:_default' ;;
      register) _arguments '--json[one JSON object a line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--endpoint[where it is reached; may be given again]:value:_default' '--id[default\: host name, process id and a random suffix]:value:_default' '--version[version of the software]:value:_default' '--zone[failure domain]:value:_default' '--weight[share of traffic, 0 to 65535 (default\: 100)]:value:_default' '--tag[a label; may be given again]:value:_default' '--meta[a pair of metadata; may be given again]:value:_default' '--check[ready when this answers 2xx]:value:_default' '--ready-timeout[how long getting ready may take]:value:_default' '--drain[between leaving and the signal]:value:_default' '--help[display help for command]' '1:service:_sd_services' '*:argument:_default' ;;
      resolve) _arguments '--json[one JSON object a line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--tag[only with this label; given again, with all]:value:_default' '--zone[only in this zone; given again, in one of them]:value:_default' '--version[only versions in this range, like ^1.4]:value:_default' '--metadata[only with this pair; given again, with all]:value:_default' '--scheme[only endpoints like http\://…]:value:_default' '--count[at most so many lines]:value:_default' '--help[display help for command]' '1:service:_sd_services' '*:argument:_default' ;;
      set) _arguments '--json[one JSON object a line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--weight[0 to 65535; 0 is drained, 100 the usual]:value:_default' '--help[display help for command]' '1:service:_sd_services' '*:argument:_default' ;;
      deregister) _arguments '--json[one JSON object a line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--force[remove another'\''s record]' '--yes[do not ask]' '--help[display help for command]' '1:service:_sd_services' '*:argument:_default' ;;
      copy) _arguments '--json[one JSON object a line]' '--apply[write, and hold what was written until interrupted]' '--follow[keep mirroring what changes]' '--help[display help for command]' '*:argument:_default' ;;
      doctor) _arguments '--json[one JSON object a line]' '--url[the registry, like etcd\://host\:2379/services?ttl=10s]:value:_default' '--probe[connect to the port of every endpoint]' '--help[display help for command]' '*:argument:_default' ;;
      completion) _arguments '--json[one JSON object a line]' '--help[display help for command]' '1:value:(bash zsh fish)' '*:argument:_default' ;;
    esac
  fi
}
compdef _sd sd