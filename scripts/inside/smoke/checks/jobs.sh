# shellcheck shell=bash disable=SC2034 # lib.sh reads `logs`
# Jobs, as an ordinary user.

slurm() {
  local command=$1
  shift
  (cd /tmp && as_user tester timeout "$(limit 30)" "$SMOKE_PREFIX/bin/$command" "$@")
}

job_state() { "$SMOKE_PREFIX/bin/scontrol" --oneliner show job "$1" | grep -o 'JobState=[A-Z]*' | cut -d= -f2; }
job_is() { [ "$(job_state "$1")" = "$2" ]; }

check_srun() {
  need sinfo
  logs='slurmd slurmctld'
  local answer
  answer=$(slurm srun hostname -s)
  [ "$answer" = "$(hostname -s)" ] || fail "srun hostname said '$answer'"
  echo "$answer"
}

check_srun_tasks() {
  need srun
  logs=slurmd
  local ranks
  ranks=$(slurm srun --ntasks=4 --overcommit printenv SLURM_PROCID | sort | tr '\n' ' ')
  [ "$ranks" = '0 1 2 3 ' ] || fail "the tasks were $ranks"
  echo "tasks $ranks"
}

check_sbatch() {
  need sinfo
  logs='slurmd slurmctld'
  local job output=/home/tester/sbatch.out
  # shellcheck disable=SC2016 # the job's
  job=$(slurm sbatch --parsable --chdir=/home/tester --output=$output --wrap 'echo "job $SLURM_JOB_ID of $(id -un)"')
  echo "$job" >"$SMOKE_STATE/finished-job"
  wait_for 20 job_is "$job" COMPLETED || fail "job $job is $(job_state "$job")"
  grep -x "job $job of tester" $output
}

check_scancel() {
  need sinfo
  logs='slurmd slurmctld'
  local job output=/home/tester/scancel.out
  job=$(slurm sbatch --parsable --chdir=/home/tester --output=$output --wrap 'echo running; exec sleep 300')
  # slurmctld calls it running before slurmd has it; cancelled then, it may stay COMPLETING for a minute.
  wait_for 20 grep -x running $output || fail "job $job is $(job_state "$job")"
  slurm scancel "$job"
  wait_for 20 job_is "$job" CANCELLED || fail "job $job is $(job_state "$job")"
  echo "job $job is CANCELLED"
}

accounted() { [ "$("$SMOKE_PREFIX/bin/sacct" --jobs "$1" --allocations --noheader --parsable2 --format=state)" = COMPLETED ]; }

check_sacct() {
  need slurmdbd sbatch
  logs='slurmdbd slurmctld'
  has_feature accounting
  local job
  job=$(cat "$SMOKE_STATE/finished-job")
  wait_for 20 accounted "$job" || fail "sacct: $("$SMOKE_PREFIX/bin/sacct" --jobs "$job")"
  "$SMOKE_PREFIX/bin/sacct" --jobs "$job" --allocations --noheader --parsable2 --format=jobid,user,state
}

check_mpi_list() {
  need sinfo
  local kinds kind
  kinds=$(slurm srun --mpi=list 2>&1)
  for kind in pmix pmi2; do
    [ $kind = pmi2 ] || promised mpi-$kind || continue
    echo "$kinds" | grep -qx "[[:space:]]*$kind" || fail "srun --mpi=list has no $kind: $kinds"
  done
  echo "$kinds" | tail -n +2 | xargs
}

# mpi_ranks KIND VARIABLE: two tasks that are told their ranks by that plugin.
mpi_ranks() {
  local ranks
  ranks=$(slurm srun --mpi="$1" --ntasks=2 --overcommit printenv "$2" | sort | tr '\n' ' ')
  [ "$ranks" = '0 1 ' ] || fail "$2 was '$ranks'"
  echo "$2 $ranks"
}

check_mpi_pmix() {
  need srun
  logs='slurmd'
  mpi_ranks pmix PMIX_RANK
}

check_mpi_pmi2() {
  need srun
  logs='slurmd'
  mpi_ranks pmi2 PMI_RANK
}

write_job_submit() {
  cat >/etc/slurm/job_submit.lua <<'LUA'
function slurm_job_submit(job, partitions, uid)
  if job.comment == "before" then job.comment = "rewritten by Lua" end
  return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, uid)
  return slurm.SUCCESS
end
return slurm.SUCCESS
LUA
}

check_lua() {
  need sinfo
  logs=slurmctld
  has_feature lua
  local job
  job=$(slurm sbatch --parsable --hold --comment=before --output=/dev/null --wrap true)
  "$SMOKE_PREFIX/bin/scontrol" show job "$job" | grep -o 'Comment=.*' | tee "$SMOKE_STATE/comment"
  slurm scancel "$job"
  grep -q 'rewritten by Lua' "$SMOKE_STATE/comment"
}
