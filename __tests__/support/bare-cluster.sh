#!/bin/bash
# A cluster out of a tarball that brings its libraries, on a machine that has nothing of Slurm's:
#   bare-cluster.sh TARGET
# /files has the result. MariaDB answers on 127.0.0.1:3306, user slurm, password bare, database slurm_acct_db.
# No munge: auth/slurm. Each line that begins with `ok` is a check that passed; slurmrestd is left running on 6820,
# with a token in /token.
set -euo pipefail
target=$1
prefix=/srv/slurm
state=/var/tmp/cluster
installer=/files/$target-install.sh
mkdir -p "$state" /etc/slurm /var/spool/slurmctld /var/spool/slurmd /run /var/log
end() {
  status=$?
  [ $status = 0 ] || tail -n 20 "$state"/*.out
  exit $status
}
trap end EXIT

until_true() {
  for _ in $(seq 400); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.05
  done
  echo "timed out: $*" >&2
  return 1
}

sh "$installer" --check
echo 'ok check'
sh "$installer" --prefix "$prefix"
echo "ok install $("$prefix/sbin/slurmd" -V)"
export PATH=$prefix/bin:$prefix/sbin:$PATH
node=$(uname -n)

head -c 1024 /dev/urandom >/etc/slurm/slurm.key
head -c 32 /dev/urandom >/etc/slurm/jwt.key
chmod 600 /etc/slurm/*.key
cat >/etc/slurm/slurmdbd.conf <<CONF
DbdHost=localhost
SlurmUser=root
AuthType=auth/slurm
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=/etc/slurm/jwt.key
PidFile=/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StorageUser=slurm
StoragePass=bare
StorageLoc=slurm_acct_db
CONF
chmod 600 /etc/slurm/slurmdbd.conf
cat >/etc/slurm/slurm.conf <<CONF
ClusterName=bare
SlurmctldHost=$node(127.0.0.1)
AuthType=auth/slurm
CredType=cred/slurm
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=/etc/slurm/jwt.key
SlurmUser=root
SlurmdUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
JobSubmitPlugins=lua
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
CONF
echo CgroupPlugin=disabled >/etc/slurm/cgroup.conf
cat >/etc/slurm/job_submit.lua <<'LUA'
function slurm_job_submit(job, partitions, uid)
  job.comment = "by Lua"
  return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, uid)
  return slurm.SUCCESS
end
return slurm.SUCCESS
LUA

daemon() {
  name=$1
  shift
  "$@" >"$state/$name.out" 2>&1 </dev/null &
}
daemon slurmdbd slurmdbd -D
until_true sacctmgr --immediate add cluster bare
echo 'ok slurmdbd'
daemon slurmctld slurmctld -D
until_true scontrol ping
daemon slurmd slurmd -D
idle() { [ "$(sinfo --noheader --format %t)" = idle ]; }
until_true idle
echo 'ok slurmctld and slurmd, by auth/slurm'
[ "$(srun uname -n)" = "$node" ]
echo 'ok srun'
# shellcheck disable=SC2016 # the job's
job=$(cd /var/tmp && sbatch --parsable --output=/var/tmp/job.out --wrap 'echo "job $SLURM_JOB_ID"')
until_true grep -x "job $job" /var/tmp/job.out
scontrol --oneliner show job "$job" | grep -o 'Comment=by Lua'
echo 'ok sbatch, and Lua wrote its comment'
accounted() { sacct --jobs "$job" --allocations --noheader --parsable2 --format=state | grep -qx COMPLETED; }
until_true accounted
echo 'ok accounting'
token=$(scontrol token lifespan=600)
echo "${token#SLURM_JWT=}" >/token
[ "$(SLURM_JWT=${token#SLURM_JWT=} sinfo --noheader --format %t)" = idle ]
echo 'ok JWT'
# Not as SlurmUser; of the programs that do that, coreutils' is always there.
daemon slurmrestd chroot --userspec=65534:65534 / env SLURM_JWT=daemon \
  SLURMRESTD_SECURITY=disable_unshare_sysv,disable_unshare_files \
  "$prefix/sbin/slurmrestd" -a rest_auth/jwt 127.0.0.1:6820
listens() { (exec 3<>/dev/tcp/127.0.0.1/6820); }
until_true listens
echo 'ok slurmrestd'
