#!/bin/bash
# The smoke test's checks, one after the other, in a fresh container of the target's distribution. The
# container, the packages in it and the list of checks come from src/smoke/plan.ts.
#
# usage: smoke.sh --target ID --files DIR --prefix DIR --modules DIR --checks a,b,...
#                 [--forbidden TEXT]... [--address IP]
#
# Each check is one JSON line on stdout:
#   {"check":"srun","status":"passed|failed|skipped","seconds":0.031,"detail":"node1"}
# A check is the function check_<name> of checks/*.sh. It runs in a shell of its own under a time limit, so
# one that fails or hangs does not keep the later ones from running. What needs no cluster or no
# job runs beside the others. The exit status says only whether all checks could be run, not whether they
# passed.
set -uo pipefail
export LC_ALL=C
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=lib.sh
. "$here/lib.sh"

if [ "${1:-}" = --one ]; then
  # shellcheck source=/dev/null
  for part in "$here"/checks/*.sh; do . "$part"; done
  trap end_of_check EXIT
  set -e
  "check_${2//-/_}"
  exit
fi

# On an emulated or crowded machine everything takes longer. What it takes to start two programs tells how many times
# longer all limits are: 1 where that is up to 10 ms, as nearly everywhere, at most 20.
patience() {
  local start=${EPOCHREALTIME/./} spent _
  for _ in {1..20}; do env true; done
  spent=$(((${EPOCHREALTIME/./} - start) / 20000))
  [ "$spent" -lt 200 ] || spent=199
  echo $((1 + spent / 10))
}

if [ -z "${SMOKE_PATIENCE:-}" ]; then
  SMOKE_PATIENCE=$(patience)
  export SMOKE_PATIENCE
  [ "$SMOKE_PATIENCE" = 1 ] || echo "This machine is slow: all time limits are $SMOKE_PATIENCE times the usual ones." >&2
  exec timeout --kill-after=10 "$(limit 300)" bash "$0" "$@"
fi

forbidden='' address=''
while [ $# -gt 0 ]; do
  case $1 in
    --target) export SMOKE_TARGET=$2 ;;
    --files) export SMOKE_FILES=$2 ;;
    --prefix) export SMOKE_PREFIX=$2 ;;
    --modules) export SMOKE_MODULES=$2 ;;
    --checks) checks=$2 ;;
    --address) address=$2 ;;
    --forbidden) forbidden+=$2$'\n' ;;
    *) echo "smoke.sh: unknown argument '$1'" >&2; exit 2 ;;
  esac
  shift 2
done
export SMOKE_FORBIDDEN=${forbidden%$'\n'} SMOKE_CHECKS=$checks
SMOKE_STATE=$(mktemp -d /tmp/smoke-XXXXXX)
export SMOKE_STATE
chmod 755 "$SMOKE_STATE"
trap stop_all EXIT
trap 'exit 143' TERM INT

# Where nothing but loopback has an address, glibc finds no name at all for Slurm (AI_ADDRCONFIG).
[ -z "$address" ] || ip address add "$address/32" dev lo

# run_check CHECK: prints its line.
run_check() {
  local check=$1 log=$SMOKE_STATE/$1.log start=${EPOCHREALTIME/./} status spent lines=1 seconds
  seconds=$(limit 60)
  timeout --kill-after=5 "$seconds" bash "$here/smoke.sh" --one "$check" >"$log" 2>&1 </dev/null
  case $? in
    0) status=passed ;;
    77) status=skipped ;;
    124 | 137) status=failed; echo "it did not end within $seconds s" >>"$log" ;;
    *) status=failed ;;
  esac
  spent=$((${EPOCHREALTIME/./} - start))
  echo "$status" >"$SMOKE_STATE/$check.status"
  [ $status = failed ] && lines=80
  jq -Mcn --arg check "$check" --arg status $status --argjson seconds "$(printf '%d.%03d' $((spent / 1000000)) $((spent / 1000 % 1000)))" \
    --arg detail "$(tail -n $lines "$log" | tr -d '\000')" '{$check, $status, $seconds, $detail}'
}

# beside CHECK...: runs those of them that were asked for, one after the other, while others run.
declare -A lanes
beside() {
  local check
  for check in "$@"; do
    case ,$checks, in *,"$check",*) run_check "$check" ;; esac
  done >"$SMOKE_STATE/$1.lines" &
  lanes[$1]=$!
}

# join CHECK: waits for the lane that begins with it, and prints its lines.
join() {
  wait "${lanes[$1]}"
  cat "$SMOKE_STATE/$1.lines"
}

files='libraries build-prefix'
# slurmctld schedules nothing in its first two seconds; these need no job.
jobless='module-lmod module-tcl packages-lmod packages-tcl jwt rest mpi-list'
beside database
for check in ${checks//,/ }; do
  case " database $files $jobless scancel " in *" $check "*) continue ;; esac
  # shellcheck disable=SC2086 # a word each
  case $check in
    munged) beside $files ;;
    slurmdbd) join database ;;
    sbatch) beside $jobless; beside scancel ;;
  esac
  run_check "$check"
  [ "$check" != sbatch ] || { join module-lmod; join scancel; }
done
join libraries
