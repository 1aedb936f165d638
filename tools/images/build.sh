#!/usr/bin/env bash
# build.sh [etcd] [zookeeper] [consul]      (all three by default)
# Builds sd-test/* images from Debian packages alone: no container registry needed. A re-run is a
# no-op while this folder's recipe is unchanged (its hash is a label on each image).
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "build.sh: $*" >&2; exit 1; }
[ $# -gt 0 ] || set -- etcd zookeeper consul
for name in "$@"; do
  case $name in etcd | zookeeper | consul) ;; *) fail "no image named '$name': etcd, zookeeper, consul" ;; esac
done
command -v docker >/dev/null || fail 'no docker client; on Debian, as root: apt-get install docker.io'
if ! answer=$(docker version --format '{{.Server.Version}}' 2>&1); then
  case $answer in
    *'permission denied'*) fail "user '$(id -un)' may not use the Docker socket: be root or in the group 'docker' (usermod -aG docker $(id -un), then log in again)" ;;
    *) fail "no Docker engine answers: $answer
  Start one (as root: systemctl start docker, or: dockerd &) or set DOCKER_HOST." ;;
  esac
fi

tag() { case $1 in etcd) echo sd-test/etcd:3.5.16 ;; zookeeper) echo sd-test/zookeeper:3.9.3 ;; consul) echo sd-test/consul:1.8.7 ;; esac; }
recipe=$(cat build.sh zk-entrypoint.sh | sha256sum | cut -c1-16)
current() { [ "$(docker image inspect -f '{{index .Config.Labels "sd.recipe"}}' "$(tag "$1")" 2>/dev/null)" = "$recipe" ]; }
wanted=()
for name in "$@"; do current "$name" || wanted+=("$name"); done
[ ${#wanted[@]} -gt 0 ] || { echo "images are up to date: $*" >&2; exit 0; }

command -v mmdebstrap >/dev/null || fail 'no mmdebstrap; on Debian, as root: apt-get install --no-install-recommends mmdebstrap'
mirror=$(./debian-mirror.sh)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

rootfs() { # NAME SUITE PACKAGES [HOOK...] -> $tmp/NAME.tar
  local name=$1 suite=$2 packages=$3
  shift 3
  # --extract-hook, as --customize-hook silently does not run in the extract variant. base-files
  # brings /lib64: without it every binary fails with "no such file or directory".
  mmdebstrap --quiet --variant=extract --include="base-files,dash,coreutils,sed,iproute2,$packages" "$@" \
    --extract-hook='rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/var/lib/apt "$1"/var/cache/apt' \
    --extract-hook='mkdir -p "$1/data" "$1/conf"' "$suite" "$tmp/$name.tar" "$mirror"
}
publish() { # NAME [docker import options...]; from a file, as a pipe would tag a truncated rootfs
  local name=$1
  shift
  docker import -c "LABEL sd.recipe=$recipe" "$@" "$tmp/$name.tar" "$(tag "$name")" >/dev/null
}

build_etcd() {
  rootfs etcd trixie etcd-server,etcd-client \
    --extract-hook='mkdir -p "$1/usr/local/bin"; ln -s /usr/bin/etcd /usr/bin/etcdctl "$1/usr/local/bin/"' &&
    publish etcd -c 'CMD ["/usr/local/bin/etcd"]' -c 'EXPOSE 2379 2380'
}
build_zookeeper() { # libzookeeper-java: the package "zookeeper" depends on the full default-jre
  rootfs zookeeper trixie libzookeeper-java,openjdk-21-jre-headless \
    --extract-hook='cd "$1"; ln -sf /$(echo usr/lib/jvm/java-21-openjdk-*/bin/java) usr/bin/java' \
    --extract-hook='cp zk-entrypoint.sh "$1/entrypoint.sh"; chmod 755 "$1/entrypoint.sh"' \
    --extract-hook='cd "$1/usr/share/java"; for j in *; do case $j in zookeeper*|slf4j-api*|slf4j-simple*|netty-*|snappy*|metrics-core*|commons-cli*|commons-io*|jackson-*|jetty9-*|guava*|servlet*|log4j*) ;; *) rm -rf "$j";; esac; done' &&
    publish zookeeper -c 'ENTRYPOINT ["/entrypoint.sh"]' -c 'EXPOSE 2181 2888 3888'
}
build_consul() {
  rootfs consul bullseye consul &&
    publish consul -c 'ENTRYPOINT ["/usr/bin/consul"]' -c 'CMD ["agent","-dev","-client","0.0.0.0"]' -c 'EXPOSE 8500'
}

pids=()
for name in "${wanted[@]}"; do
  "build_$name" >"$tmp/$name.log" 2>&1 &
  pids+=("$!")
done
failed=()
for i in "${!wanted[@]}"; do
  name=${wanted[$i]}
  if wait "${pids[$i]}"; then
    echo "built $(tag "$name")" >&2
  else
    failed+=("$name")
    sed "s/^/[$name] /" "$tmp/$name.log" >&2
  fi
done
[ ${#failed[@]} -eq 0 ] || fail "could not build: ${failed[*]}"
