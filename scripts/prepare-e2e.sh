#!/usr/bin/env bash
# Brings what the end-to-end tests need to a Debian machine and starts it: a Docker Engine with a
# debian:bookworm image, act and Node 24. Safe to run again. Prints where they are.
set -euo pipefail
tools=${SLURM_FACTORY_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/slurm-factory-tests}
mkdir -p "$tools"
say() { printf '%s\n' "$*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
docker info >/dev/null 2>&1 || command -v dockerd >/dev/null || missing+=(docker.io)
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v zstd >/dev/null || missing+=(zstd)
if [ "${#missing[@]}" -gt 0 ]; then
  say "installing: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

if ! docker info >/dev/null 2>&1; then
  say "starting dockerd"
  # Whoever starts the tests may stop it again by this id.
  as_root sh -c "setsid dockerd --storage-driver=overlay2 >'$tools/dockerd.log' 2>&1 </dev/null & echo \$! >'$tools/dockerd.pid'"
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null || { tail -20 "$tools/dockerd.log" >&2; exit 1; }
fi

# Without an image registry, Debian's own archive gives the base image.
if ! docker image inspect debian:bookworm >/dev/null 2>&1 && ! docker pull -q debian:bookworm >&2; then
  say "making debian:bookworm with debootstrap"
  root=$(mktemp -d)
  as_root debootstrap --variant=minbase bookworm "$root/tree" >"$tools/debootstrap.log"
  as_root tar -C "$root/tree" -c . | docker import - debian:bookworm >&2
  as_root rm -rf "$root"
fi

if ! command -v act >/dev/null && [ ! -x "$(go env GOPATH)/bin/act" ]; then
  say "installing act"
  go install github.com/nektos/act@v0.2.89
fi

if [ ! -x "$tools/node/node_modules/node/bin/node" ]; then
  say "installing Node 24"
  npm install --silent --no-save --prefix "$tools/node" node@24 >&2
fi
echo "$tools/node/node_modules/node/bin"
