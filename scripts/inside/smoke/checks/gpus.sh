# shellcheck shell=bash disable=SC2034 # lib.sh reads `logs`
# GPUs: each plugin must be used where its driver is, and must not be in the way where there is none.

# slurmd_gres MODE COUNT: what slurmd finds on the machine, by a configuration of its own beside the cluster's.
slurmd_gres() {
  local folder=$SMOKE_STATE/gpu
  mkdir -p "$folder"
  cp /etc/slurm/*.conf "$folder/"
  echo GresTypes=gpu >>"$folder/slurm.conf"
  [ "$2" -eq 0 ] || sed -i "s/^NodeName=.*/& Gres=gpu:$2/" "$folder/slurm.conf"
  echo "AutoDetect=$1" >"$folder/gres.conf"
  timeout "$(limit 20)" "$SMOKE_PREFIX/sbin/slurmd" -f "$folder/slurm.conf" -G -vvv 2>&1
}

# gpu_job MODE COUNT VARIABLE: the cluster with those GPUs, and a job on one of them, which that variable names.
gpu_job() {
  logs='slurmd slurmctld'
  stop_daemon slurmd
  stop_daemon slurmctld
  echo "$2" >"$SMOKE_STATE/gpus"
  echo "AutoDetect=$1" >/etc/slurm/gres.conf
  # shellcheck disable=SC2046 # a word each
  start_slurmctld $(cat "$SMOKE_STATE/features")
  start_slurmd
  wait_for 15 node_idle || { "$SMOKE_PREFIX/bin/sinfo" --list-reasons; return 1; }
  timeout "$(limit 20)" "$SMOKE_PREFIX/bin/srun" --gres=gpu:1 printenv "$3" || fail "a job with --gres=gpu:1 has no $3"
}

# try_gpu MODE DRIVER VARIABLE DEVICE...: DRIVER is a file that only its driver makes.
try_gpu() {
  need sinfo
  local mode=$1 driver=$2 variable=$3 said device count=0
  shift 3
  [ -f "$SMOKE_PREFIX/lib/slurm/gpu_$mode.so" ] || fail "gpu_$mode.so is missing"
  for device in "$@"; do [ ! -e "$device" ] || count=$((count + 1)); done
  [ -e "$driver" ] || count=0
  said=$(slurmd_gres "$mode" "$count") || fail "slurmd -G: $said"
  # What Slurm says where it was configured without the plugin.
  ! echo "$said" | grep -E "when Slurm was configured|isn't enabled during the build" || fail "$said"
  if [ "$count" -gt 0 ]; then
    echo "$said" | grep 'Name=gpu' || fail "gpu/$mode finds no GPU: $said"
    gpu_job "$mode" "$count" "$variable"
  else
    echo "$said" | grep -q "that lib wasn't found" || fail "gpu/$mode did not ask for its library: $said"
    echo "the plugin is there and asks for the driver's library; this machine has none, so it finds no GPU, as it should"
  fi
}

check_gpu_nvml() { try_gpu nvml /dev/nvidiactl CUDA_VISIBLE_DEVICES /dev/nvidia[0-9]*; }
check_gpu_rsmi() { try_gpu rsmi /dev/kfd ROCR_VISIBLE_DEVICES /dev/dri/renderD*; }
check_gpu_oneapi() { try_gpu oneapi /dev/dri/renderD128 ZE_AFFINITY_MASK /dev/dri/renderD*; }
