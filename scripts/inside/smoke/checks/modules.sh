# shellcheck shell=bash
# `module load` with Lmod and with Environment Modules, of Slurm and of further packages.

# load_module INIT FOLDER: module load and unload in a shell of its own.
load_module() {
  # The installer writes the prefix into the module files; what was only unpacked is told where it lies.
  [ -f "$(installer)" ] || export SLURM_INSTALL_PREFIX=$SMOKE_PREFIX
  bash --norc -c '
    before=$PATH
    . "$1" && module use "$2" && module load slurm || exit 1
    [ "$(command -v sinfo)" = "$SMOKE_PREFIX/bin/sinfo" ] || { echo "sinfo is $(command -v sinfo)"; exit 1; }
    [ -z "${LD_LIBRARY_PATH:-}" ] || { echo "LD_LIBRARY_PATH is $LD_LIBRARY_PATH"; exit 1; }
    sinfo --version && scontrol ping || exit 1
    module unload slurm
    ! command -v sinfo || { echo "sinfo is there after module unload"; exit 1; }
    module list 2>&1
  ' load_module "$1" "$2"
}

first_of() {
  local file
  for file in "$@"; do [ -r "$file" ] && { echo "$file"; return; }; done
  fail "none of $*"
}

# module_root PATTERN: folder for `module use`, two levels above the module file.
module_root() {
  local file
  file=$(find "$SMOKE_MODULES" -path "$1" | head -n 1)
  [ -n "$file" ] || fail "no module file like $1 among: $(find "$SMOKE_MODULES" -type f -printf '%p ')"
  dirname "$(dirname "$file")"
}

check_module_lmod() {
  need slurmctld
  local init root
  init=$(first_of /usr/share/lmod/lmod/init/bash)
  root=$(module_root "*/slurm/$(module_version).lua")
  load_module "$init" "$root"
  echo "$(module_version) loads and unloads"
}

check_module_tcl() {
  need slurmctld
  local init root
  init=$(first_of /usr/share/modules/init/bash /usr/share/Modules/init/bash)
  root=$(module_root "*/slurm/$(module_version)")
  load_module "$init" "$root"
  echo "$(module_version) loads and unloads"
}

# shown_packages INIT FOLDER NAME...: loads modules in a shell of its own, and tells which are shown then.
shown_packages() {
  bash --norc -c '
    . "$1" && module use "$2" || exit 1
    shift 2
    for name in "$@"; do module load "$name" || exit 1; done
    while read -r at; do
      case $at in "$SMOKE_PREFIX"/*) [ -d "$at" ] || { echo "$* name $at, which is not there" >&2; exit 1; } ;; esac
    done < <(tr : "\n" <<<"$PATH:${CMAKE_PREFIX_PATH:-}")
    # Names with a version; beside them are folders, headings and marks of defaults.
    module --terse avail 2>&1 | sed -n "s|^\([^ /:<(]\{1,\}/[^ :<(]\{1,\}\).*|\1|p"
  ' shown_packages "$@"
}

# load_packages INIT FOLDER: loads each module that is shown there, and behind it those that it makes visible.
load_packages() {
  local name below shown unlocked loaded=0
  shown=$(shown_packages "$1" "$2")
  for name in $shown; do
    loaded=$((loaded + 1))
    unlocked=$(shown_packages "$1" "$2" "$name")
    for below in $unlocked; do
      case " ${shown//$'\n'/ } " in *" $below "*) continue ;; esac
      loaded=$((loaded + 1))
      shown_packages "$1" "$2" "$name" "$below" >/dev/null
    done
  done
  [ $loaded -gt 0 ] || fail "no module is shown in $2"
  echo "$loaded load"
}

check_packages_lmod() {
  need install
  local folder=$SMOKE_PREFIX/packages/modulefiles/lmod
  [ ! -d "$folder/Core" ] || folder=$folder/Core
  load_packages "$(first_of /usr/share/lmod/lmod/init/bash)" "$folder"
}

check_packages_tcl() {
  need install
  load_packages "$(first_of /usr/share/modules/init/bash /usr/share/Modules/init/bash)" \
    "$SMOKE_PREFIX/packages/modulefiles/tcl"
}
