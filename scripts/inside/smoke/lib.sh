# shellcheck shell=bash
# What all checks share. A check prints what it saw, one line last; it fails with any error (set -e), and
# names in `logs` the daemons whose last lines then belong to the report.

logs=

# Ends a check that this machine does not allow.
skip() {
  echo "$*"
  exit 77
}

fail() {
  echo "$*" >&2
  exit 1
}

# Whether a check is among those of this test: what it is about is promised.
promised() { case ,$SMOKE_CHECKS, in *,"$1",*) ;; *) return 1 ;; esac; }

# A check that can't succeed as another one failed says so instead of failing too: need CHECK...
need() {
  local other
  for other in "$@"; do
    [ "$(cat "$SMOKE_STATE/$other.status" 2>/dev/null)" = passed ] || skip "needs $other, which did not pass"
  done
}

end_of_check() {
  local status=$? name
  [ $status -eq 0 ] || [ $status -eq 77 ] && return
  for name in $logs; do
    [ -s "$SMOKE_STATE/$name.out" ] || continue
    echo "--- last lines of $name"
    tail -n 12 "$SMOKE_STATE/$name.out"
  done
}

# limit SECONDS: how long something may take here that may take so long elsewhere, see smoke.sh.
limit() { echo $(($1 * ${SMOKE_PATIENCE:-1})); }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local seconds end
  seconds=$(limit "$1")
  end=$((SECONDS + seconds))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "timed out after $seconds s waiting for: $*"; return 1; }
    sleep 0.03
  done
}

# start_daemon NAME COMMAND...: in the background, in a session of its own; its output goes to NAME.out.
start_daemon() {
  local name=$1
  shift
  # Now, and not when the new process gets to it: what an earlier one said would be taken for its word.
  : >"$SMOKE_STATE/$name.out"
  setsid "$@" >>"$SMOKE_STATE/$name.out" 2>&1 </dev/null &
  echo $! >"$SMOKE_STATE/$name.pid"
}

alive() { kill -0 "$(cat "$SMOKE_STATE/$1.pid")" 2>/dev/null; }
dead() { ! alive "$1"; }

stop_daemon() {
  [ -f "$SMOKE_STATE/$1.pid" ] || return 0
  kill "$(cat "$SMOKE_STATE/$1.pid")" 2>/dev/null || true
  wait_for 10 dead "$1" || kill -KILL "$(cat "$SMOKE_STATE/$1.pid")"
  rm "$SMOKE_STATE/$1.pid"
}

# up_or_dead NAME COMMAND...: for wait_for, so that a daemon that died is not waited for.
up_or_dead() {
  local name=$1
  shift
  dead "$name" || "$@"
}

# wait_daemon NAME SECONDS COMMAND...: until the command succeeds; fails once the daemon is dead.
wait_daemon() {
  local name=$1 seconds=$2
  shift 2
  if wait_for "$seconds" up_or_dead "$name" "$@" && alive "$name"; then return; fi
  echo "$name does not answer"
  return 1
}

stop_all() {
  local file
  for file in "$SMOKE_STATE"/*.pid; do
    [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null
  done
  rm -rf "$SMOKE_STATE"
}

# as_user USER COMMAND...
as_user() {
  local user=$1
  shift
  setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
}

# What the target calls its Slurm: slurm-24.11.6.p3f2a91c04b17-bookworm-amd64 -> 24.11.6.p3f2a91c04b17
target_version() {
  local rest=${SMOKE_TARGET#slurm-}
  echo "${rest%%-*}"
}

# Slurm's own version of the target: slurm-24.11.6.p3f2a91c04b17-bookworm-amd64 -> 24.11.6, without the words of a source and an environment
slurm_version() {
  local whole
  whole=$(target_version)
  echo "${whole%%.[pe]*}"
}

# Version of the module files: slurm-24.11.6-bookworm-amd64-cuda-full -> 24.11.6-cuda-full
module_version() {
  local tail=${SMOKE_TARGET#*-a[mr][dm]64}
  tail=${tail#-self-contained}
  # What tells the externals of a self-contained target.
  echo "$(target_version)${tail#.x????????????}"
}

# at_least 24.05: whether the release is that one or a later one.
at_least() { [ "$(printf '%s\n' "$1" "$(slurm_version)" | sort -V | head -n 1)" = "$1" ]; }
