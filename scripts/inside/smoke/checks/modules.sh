# shellcheck shell=bash
# `module load` with Lmod and with Environment Modules, and the GPU plugin.

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

# slurmd_gres: what slurmd finds with NVML, by a configuration of its own beside the cluster's.
slurmd_gres() {
  local folder=$SMOKE_STATE/gpu count=0 device
  mkdir -p "$folder"
  cp /etc/slurm/*.conf "$folder/"
  for device in /dev/nvidia[0-9]*; do [ ! -e "$device" ] || count=$((count + 1)); done
  echo GresTypes=gpu >>"$folder/slurm.conf"
  [ $count -eq 0 ] || sed -i "s/^NodeName=.*/& Gres=gpu:$count/" "$folder/slurm.conf"
  echo AutoDetect=nvml >"$folder/gres.conf"
  timeout 20 "$SMOKE_PREFIX/sbin/slurmd" -f "$folder/slurm.conf" -G -vvv 2>&1
}

# NVML must be used where there is a driver, and must not be in the way where there is none.
check_gpu_nvml() {
  need slurmctld
  local said
  [ -f "$SMOKE_PREFIX/lib/slurm/gpu_nvml.so" ] || fail 'gpu_nvml.so is missing'
  said=$(slurmd_gres) || fail "slurmd -G: $said"
  # What Slurm says where it was configured without NVML.
  ! echo "$said" | grep 'when Slurm was configured' || fail "$said"
  if [ -e /dev/nvidiactl ]; then
    echo "$said" | grep 'Name=gpu' || fail "NVML finds no GPU: $said"
  else
    echo "$said" | grep -q "nvml functionality, but that lib wasn't found" || fail "NVML was not asked: $said"
    echo 'the plugin is there and asks for NVML; this machine has no GPU driver, so it finds none, as it should'
  fi
}
