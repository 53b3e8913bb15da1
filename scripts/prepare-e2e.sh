#!/usr/bin/env bash
# Brings what the slow tests need to a Debian machine and starts it: a Docker Engine with images of
# Debian 12 and 13, act, Node 24, Chromium and a few programs. Safe to run again. Tells on standard error what it does.
# Standard output has a line for each thing: `node FOLDER`, `act FILE`, `dockerd PID` where this call has started
# it, so that its caller may stop it, and `missing WHAT: WHY` for what can't be had here; that is no failure of
# this script, the tests that need it say so.
set -uo pipefail
tools=${SLURM_FACTORY_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/slurm-factory-tests}
act_version=v0.2.89
# act needs Go 1.25; where Go is older, or is not there, this one is fetched. Its sum is in Go's own database.
go_version=1.25.5
mkdir -p "$tools" || exit 1
tools=$(realpath "$tools")
log=$tools/prepare.log
: >"$log"

say() { printf 'preparing: %s\n' "$*" >&2; }
lacks() { printf 'missing %s\n' "$*"; say "there is no $*"; }
has() { command -v "$1" >/dev/null; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
last_line() { tail -n 1 "$1" | cut -c 1-300; }

# install PACKAGE...: from Debian's archive, whose lists are fetched once.
install() {
  if [ "$#" = 0 ]; then return 0; fi
  has apt-get || { echo "apt-get is not there to install $*" >>"$log"; return 1; }
  say "installing $*"
  if [ -z "${lists-}" ]; then
    as_root apt-get update -qq >>"$log" 2>&1
    lists=new
  fi
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1
}

programs() {
  local missing=()
  has gpg || missing+=(gpg)
  has gpg-agent || missing+=(gpg-agent)
  has zstd || missing+=(zstd)
  has readelf || missing+=(binutils)
  has bzip2 || missing+=(bzip2)
  has xz || missing+=(xz-utils)
  has gcc || missing+=(gcc libc6-dev)
  has script || missing+=(bsdutils)
  has fish || missing+=(fish)
  has zsh || missing+=(zsh)
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  install "${missing[@]}" || lacks "${missing[*]}: $(last_line "$log")"
}

# Whether the engine answers; it is started where it is installed.
engine() {
  docker info >/dev/null 2>&1 && return 0
  has dockerd || install docker.io || return 1
  # A user who is not in its group is not helped by another one.
  if docker info 2>&1 | grep -q 'permission denied'; then
    echo "this user may not use Docker's socket" >>"$log"
    return 1
  fi
  say 'starting dockerd'
  local daemon=$tools/dockerd.log pid
  # shellcheck disable=SC2016 # the inner shell's
  pid=$(as_root sh -c 'setsid dockerd --storage-driver=overlay2 >"$1" 2>&1 </dev/null & echo $!' sh "$daemon" \
    2>>"$log") || return 1
  for _ in $(seq 60); do
    if docker info >/dev/null 2>&1; then
      # Not that of another call which began at the same time.
      if [ -e "/proc/$pid" ]; then echo "dockerd $pid"; fi
      return 0
    fi
    [ -e "/proc/$pid" ] || break
    sleep 0.5
  done
  # Another call may have been quicker.
  sleep 3
  docker info >/dev/null 2>&1 && return 0
  echo "dockerd does not start: $(last_line "$daemon")" >>"$log"
  return 1
}

# image SUITE: without an image registry, Debian's own archive gives the base image.
image() {
  docker image inspect "debian:$1" >/dev/null 2>&1 && return 0
  docker pull -q "debian:$1" >>"$log" 2>&1 && return 0
  has debootstrap || install debootstrap || return 1
  say "making debian:$1 with debootstrap"
  local root done=1
  root=$(mktemp -d)
  as_root debootstrap --variant=minbase "$1" "$root/tree" >>"$log" 2>&1 &&
    as_root tar -C "$root/tree" -c . | docker import - "debian:$1" >>"$log" 2>&1 && done=0
  as_root rm -rf "$root"
  return "$done"
}

# A go that can build act: the machine's, or one that the machine's fetches as a module.
find_go() {
  has go || install golang-go ca-certificates || return 1
  local version
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>>"$log") || return 1
  if [ "$(printf '%s\n' 1.25 "${version#go}" | sort -V | head -1)" = 1.25 ]; then
    command -v go
    return 0
  fi
  local module folder
  module=golang.org/toolchain@v0.0.1-go$go_version.linux-$(go env GOARCH)
  # Go 1.19 writes the module's folder, with its sum checked, but not the rights to run what is in it.
  (cd "$tools" && GOFLAGS=-mod=mod go mod download "$module") >>"$log" 2>&1 || return 1
  folder=$(go env GOMODCACHE)/$module
  chmod -R u+w "$folder" && find "$folder/bin" "$folder/pkg/tool" -type f -exec chmod +x {} + || return 1
  echo "$folder/bin/go"
}

# Prints act's path.
find_act() {
  local go found
  for found in "$(command -v act)" "$tools/bin/act" "$(has go && go env GOPATH)/bin/act"; do
    [ -x "$found" ] && { echo "$found"; return 0; }
  done
  say "installing act $act_version (go install)"
  # Compilers' and modules' caches of a machine that does not use Go are not left behind.
  local scratch
  scratch=$(mktemp -d)
  (
    if ! has go || [ ! -d "$(go env GOMODCACHE)" ]; then
      export GOPATH=$scratch/path GOCACHE=$scratch/cache GOMODCACHE=$scratch/modules
    fi
    go=$(find_go) && GOBIN=$tools/bin GOTOOLCHAIN=local GOROOT='' \
      "$go" install "github.com/nektos/act@$act_version" >>"$log" 2>&1
  )
  chmod -R u+w "$scratch" && rm -rf "$scratch"
  [ -x "$tools/bin/act" ] && echo "$tools/bin/act"
}

node24() {
  local folder=$tools/node/node_modules/node/bin
  if [ ! -x "$folder/node" ]; then
    say 'installing Node 24 (npm install)'
    npm install --silent --no-save --prefix "$tools/node" node@24 >>"$log" 2>&1
  fi
  "$folder/node" --version >/dev/null 2>>"$log" && echo "$folder"
}

# Prints the path of a browser to look at a release's page with, which is installed with a font where there is none.
browser() {
  local found
  has chromium || has google-chrome || install chromium fonts-liberation || return 1
  for found in chromium google-chrome; do
    command -v "$found" && return 0
  done
  return 1
}

# Services that build caches are tested with: a container registry of Debian's, and S3.
registry() { has docker-registry || install docker-registry; }
moto() {
  [ -d "$tools/moto/moto" ] && return 0
  say 'installing moto (pip install)'
  # What its other services need is left out.
  python3 -m pip install --quiet --root-user-action ignore --target "$tools/moto.new" \
    'moto[s3]==5.1.22' flask flask-cors >>"$log" 2>&1 && mv "$tools/moto.new" "$tools/moto"
}

programs
registry || lacks "docker-registry: $(last_line "$log")"
moto || lacks "moto: $(last_line "$log")"
if browser=$(browser); then echo "browser $browser"; else lacks "Chromium: $(last_line "$log")"; fi
if engine; then
  image bookworm || lacks "image debian:bookworm: $(last_line "$log")"
  # Another distribution than the one that is built with.
  image trixie || lacks "Debian 13: $(last_line "$log")"
else
  lacks "Docker Engine: $(last_line "$log")"
fi
if act=$(find_act); then echo "act $act"; else lacks "act: $(last_line "$log")"; fi
if node=$(node24); then echo "node $node"; else lacks "Node 24: $(last_line "$log")"; fi
