#!/usr/bin/env bash
# Prints the Debian mirror this machine's own apt is set to, so that no mirror is ever named in the
# repository. DEBIAN_MIRROR overrides it (needed on Ubuntu and other systems that are not Debian).
set -euo pipefail
if [ -n "${DEBIAN_MIRROR:-}" ]; then echo "$DEBIAN_MIRROR"; exit; fi
command -v apt-get >/dev/null || { echo 'debian-mirror: no apt-get here; set DEBIAN_MIRROR' >&2; exit 1; }
# Lists that were downloaded know their origin: third-party repositories can look like a mirror.
mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  awk '$1 == "Debian" && $2 !~ /-/ { print $3; exit }')
# No lists yet (a fresh container): ask apt what it would fetch.
[ -n "$mirror" ] || mirror=$(apt-get update --print-uris 2>/dev/null |
  sed -nE "s#^'([^']*/debian/?)dists/[a-z]+/InRelease'.*#\1#p" | head -n 1)
[ -n "$mirror" ] || { echo 'debian-mirror: apt is set to no Debian mirror; set DEBIAN_MIRROR' >&2; exit 1; }
echo "${mirror%/}"
