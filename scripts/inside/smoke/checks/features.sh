# shellcheck shell=bash disable=SC2034 # lib.sh reads `logs`
# Features that are not in the default set.

# The commands in Perl find their modules, and these their perl; another release of perl can't load them.
check_contribs() {
  need srun
  local said job
  if ! said=$(perl -I"$SMOKE_PREFIX/lib/perl5" -MSlurm -MSlurmdb -e 'print Slurm::new() ? "the Perl API loads\n" : die' 2>&1); then
    case $said in
      *'Perl API version'*' does not match'* | *'loadable library and perl binaries are mismatched'*)
        skip "this is another perl than the modules were built with: ${said%%$'\n'*}" ;;
    esac
    fail "$said"
  fi
  echo "$said"
  slurm qstat >/dev/null
  "$SMOKE_PREFIX/bin/sgather" --help >/dev/null
  "$SMOKE_PREFIX/bin/mpiexec.slurm" --help >/dev/null
  [ ! -e "$SMOKE_PREFIX/bin/mpiexec" ] || fail 'bin/mpiexec would be found before the one of MPI'
  if [ -f "$SMOKE_STATE/finished-job" ] && [ "$(cat "$SMOKE_STATE/sacct.status" 2>/dev/null)" = passed ]; then
    job=$(cat "$SMOKE_STATE/finished-job")
    "$SMOKE_PREFIX/bin/seff" "$job" | grep 'State: COMPLETED'
  fi
}

# sh5util reads what the plugin wrote of a job.
check_hdf5() {
  need srun
  logs='slurmd slurmctld'
  local folder=/var/spool/profile job
  mkdir -p $folder
  chown slurm: $folder
  echo "ProfileHDF5Dir=$folder" >/etc/slurm/acct_gather.conf
  echo AcctGatherProfileType=acct_gather_profile/hdf5 >"$SMOKE_STATE/more.conf"
  stop_daemon slurmd
  stop_daemon slurmctld
  # shellcheck disable=SC2046 # a word each
  start_slurmctld $(cat "$SMOKE_STATE/features")
  start_slurmd
  wait_for 15 node_idle || { "$SMOKE_PREFIX/bin/sinfo" --list-reasons; return 1; }
  # shellcheck disable=SC2016 # the job's
  job=$(slurm srun --profile=task --acctg-freq=task=1 sh -c 'sleep 2; echo $SLURM_JOB_ID')
  (cd /tmp && timeout 20 "$SMOKE_PREFIX/bin/sh5util" --jobs="$job" --user=tester --profiledir=$folder --output="/tmp/job_$job.h5")
  [ "$(head -c 4 "/tmp/job_$job.h5" | tail -c 3)" = HDF ] || fail "/tmp/job_$job.h5 is no HDF5 file"
  echo "job $job has a profile"
}

# The options that the plugin adds to srun; to run a container would need enroot.
check_pyxis() {
  need sinfo
  local folder=$SMOKE_STATE/pyxis
  mkdir -p "$folder"
  cp /etc/slurm/*.conf "$folder/"
  echo "include $SMOKE_PREFIX/share/pyxis/pyxis.conf" >"$folder/plugstack.conf"
  SLURM_CONF=$folder/slurm.conf timeout 20 "$SMOKE_PREFIX/bin/srun" --help | grep -e --container-image
}

# Without a display it says so, once all its libraries are loaded.
check_sview() {
  local said
  said=$(env -u DISPLAY timeout 20 "$SMOKE_PREFIX/bin/sview" 2>&1) || true
  case $said in
    *'cannot open display'*) echo "sview starts: ${said##*$'\n'}" ;;
    *'error while loading shared libraries'*)
      skip "this machine has no GTK: ${said##*: error while loading shared libraries: }" ;;
    *) fail "sview said: $said" ;;
  esac
}
