# fish completion of sd: sd completion fish | source
# the arguments after a command, without options and their values
function __sd_arguments
  set -l words (commandline -opc)
  set -l place (contains -i -- $argv[1] $words); or return 1
  set -l skip 0
  for word in $words[(math $place + 1)..]
    if test $skip = 1
      set skip 0
    else if contains -- $word --url --tag --zone --version --metadata --endpoint --id --weight --meta --check --check-interval --check-timeout --check-failures --check-successes --ready-timeout --on-conflict --drain --scheme --count --health --remove-meta --port --host --route --config --tls-cert --tls-key --admin-port --trusted-hops --access-log --announce
      set skip 1
    else if not string match -q -- '-*' $word
      echo $word
    end
  end
end
function __sd_at
  set -l given (__sd_arguments $argv[1]); or return 1
  test (count $given) = $argv[2]
end
function __sd_names
  set -l words (commandline -opc)
  set -l url
  set -l place (contains -i -- --url $words); and set url --url $words[(math $place + 1)]
  sd complete $url $argv 2>/dev/null
end
complete -c sd -f -n __fish_use_subcommand -a list -d 'Show the services, or the instances of one'
complete -c sd -f -n __fish_use_subcommand -a watch -d 'Follow the instances of one service, or of all'
complete -c sd -f -n __fish_use_subcommand -a register -d 'Run a command as a registered service, in any language'
complete -c sd -f -n __fish_use_subcommand -a resolve -d 'Print live endpoints of a service, one per line'
complete -c sd -f -n __fish_use_subcommand -a set -d 'Change the weight, the health or the metadata of a running instance'
complete -c sd -f -n __fish_use_subcommand -a deregister -d 'Remove the record of an instance whose owner is dead'
complete -c sd -f -n __fish_use_subcommand -a copy -d 'Mirror the services of one registry into another, for a migration'
complete -c sd -f -n __fish_use_subcommand -a gateway -d 'Forward requests to services by name'
complete -c sd -f -n __fish_use_subcommand -a doctor -d 'Find out what is wrong with a registry'
complete -c sd -f -n __fish_use_subcommand -a completion -d 'Print the completion script of a shell'
complete -c sd -f -n __fish_use_subcommand -a help -d ''
complete -c sd -n '__fish_use_subcommand' -l version -d 'print the version'
complete -c sd -n '__fish_use_subcommand' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_use_subcommand' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_use_subcommand' -l help -d 'display help for command'
complete -c sd -n '__fish_seen_subcommand_from list' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from list' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from list' -l tag -r -d 'only with this label; repeated: with all of them'
complete -c sd -n '__fish_seen_subcommand_from list' -l zone -r -d 'only in this zone; repeated: in any of them'
complete -c sd -n '__fish_seen_subcommand_from list' -l version -r -d 'only versions in this range, like ^1.4'
complete -c sd -n '__fish_seen_subcommand_from list' -l metadata -r -d 'only with this entry; repeated: with all of them'
complete -c sd -n '__fish_seen_subcommand_from list' -l help -d 'display help for command'
complete -c sd -f -n '__sd_at list 0' -a '(__sd_names)'
complete -c sd -n '__fish_seen_subcommand_from watch' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from watch' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from watch' -l tag -r -d 'only with this label; repeated: with all of them'
complete -c sd -n '__fish_seen_subcommand_from watch' -l zone -r -d 'only in this zone; repeated: in any of them'
complete -c sd -n '__fish_seen_subcommand_from watch' -l version -r -d 'only versions in this range, like ^1.4'
complete -c sd -n '__fish_seen_subcommand_from watch' -l metadata -r -d 'only with this entry; repeated: with all of them'
complete -c sd -n '__fish_seen_subcommand_from watch' -l all -d 'follow every service'
complete -c sd -n '__fish_seen_subcommand_from watch' -l help -d 'display help for command'
complete -c sd -f -n '__sd_at watch 0' -a '(__sd_names)'
complete -c sd -n '__fish_seen_subcommand_from register' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from register' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from register' -l endpoint -r -d 'address of the instance; may be repeated'
complete -c sd -n '__fish_seen_subcommand_from register' -l id -r -d 'default: host name, process id and a random suffix'
complete -c sd -n '__fish_seen_subcommand_from register' -l version -r -d 'version of the software'
complete -c sd -n '__fish_seen_subcommand_from register' -l zone -r -d 'failure domain'
complete -c sd -n '__fish_seen_subcommand_from register' -l weight -r -d 'share of traffic, 0 to 65535 (default: 100)'
complete -c sd -n '__fish_seen_subcommand_from register' -l tag -r -d 'a label; may be repeated'
complete -c sd -n '__fish_seen_subcommand_from register' -l meta -r -d 'a metadata entry; may be repeated'
complete -c sd -n '__fish_seen_subcommand_from register' -l check -r -d 'register when this passes; then its health'
complete -c sd -n '__fish_seen_subcommand_from register' -l check-interval -r -d 'time between checks (default: 5s)'
complete -c sd -n '__fish_seen_subcommand_from register' -l check-timeout -r -d 'of one check (default: 1s)'
complete -c sd -n '__fish_seen_subcommand_from register' -l check-failures -r -d 'in a row, before it is failing (default: 3)'
complete -c sd -n '__fish_seen_subcommand_from register' -l check-successes -r -d 'in a row, before it passes again (default: 1)'
complete -c sd -n '__fish_seen_subcommand_from register' -l ready-timeout -r -d 'longest time until it is ready'
complete -c sd -n '__fish_seen_subcommand_from register' -l on-conflict -r -d 'what to do if another process has the id'
complete -c sd -n '__fish_seen_subcommand_from register' -l drain -r -d 'time between deregistering and the signal'
complete -c sd -n '__fish_seen_subcommand_from register' -l help -d 'display help for command'
complete -c sd -f -n '__sd_at register 0' -a '(__sd_names)'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l tag -r -d 'only with this label; repeated: with all of them'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l zone -r -d 'only in this zone; repeated: in any of them'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l version -r -d 'only versions in this range, like ^1.4'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l metadata -r -d 'only with this entry; repeated: with all of them'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l scheme -r -d 'only endpoints with this scheme, like http'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l count -r -d 'at most that many lines'
complete -c sd -n '__fish_seen_subcommand_from resolve' -l help -d 'display help for command'
complete -c sd -f -n '__sd_at resolve 0' -a '(__sd_names)'
complete -c sd -n '__fish_seen_subcommand_from set' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from set' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from set' -l weight -r -d '0 to 65535; 0 drains, 100 is the default'
complete -c sd -n '__fish_seen_subcommand_from set' -l health -r -d 'whether it wants calls'
complete -c sd -n '__fish_seen_subcommand_from set' -l meta -r -d 'sets a metadata entry; may be repeated'
complete -c sd -n '__fish_seen_subcommand_from set' -l remove-meta -r -d 'removes a metadata entry; may be repeated'
complete -c sd -n '__fish_seen_subcommand_from set' -l help -d 'display help for command'
complete -c sd -f -n '__sd_at set 0' -a '(__sd_names)'
complete -c sd -f -n '__sd_at set 1' -a '(__sd_names (__sd_arguments set))'
complete -c sd -n '__fish_seen_subcommand_from deregister' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from deregister' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from deregister' -l force -d 'remove the record of another owner'
complete -c sd -n '__fish_seen_subcommand_from deregister' -l yes -d 'do not ask'
complete -c sd -n '__fish_seen_subcommand_from deregister' -l help -d 'display help for command'
complete -c sd -f -n '__sd_at deregister 0' -a '(__sd_names)'
complete -c sd -f -n '__sd_at deregister 1' -a '(__sd_names (__sd_arguments deregister))'
complete -c sd -n '__fish_seen_subcommand_from copy' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from copy' -l apply -d 'register the copies until interrupted'
complete -c sd -n '__fish_seen_subcommand_from copy' -l follow -d 'mirror later changes of the source'
complete -c sd -n '__fish_seen_subcommand_from copy' -l help -d 'display help for command'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l port -r -d 'the port to listen on (default: 8080)'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l host -r -d 'the address to listen on (default: all)'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l route -r -d '[HOST][/PREFIX]=SERVICE; may be repeated'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l strip-prefix -d 'instances get paths without the prefix of --route'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l config -r -d 'a JSON file with routes and settings'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l tls-cert -r -d 'PEM certificate for clients; with --tls-key'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l tls-key -r -d 'its private key'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l admin-port -r -d 'a port for the probes and /metrics'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l trusted-hops -r -d 'proxies in front to believe (default: 0)'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l access-log -r -d 'default: combined, json with --json'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l announce -r -d 'time from a signal until it drains'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l drain -r -d 'longest time for requests under way'
complete -c sd -n '__fish_seen_subcommand_from gateway' -l help -d 'display help for command'
complete -c sd -n '__fish_seen_subcommand_from doctor' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from doctor' -l url -r -d 'the registry, like etcd://host:2379/services?ttl=10s'
complete -c sd -n '__fish_seen_subcommand_from doctor' -l probe -d 'connect to the port of every endpoint'
complete -c sd -n '__fish_seen_subcommand_from doctor' -l help -d 'display help for command'
complete -c sd -n '__fish_seen_subcommand_from completion' -l json -d 'one JSON object per line'
complete -c sd -n '__fish_seen_subcommand_from completion' -l help -d 'display help for command'
complete -c sd -f -n '__sd_at completion 0' -a 'bash zsh fish'