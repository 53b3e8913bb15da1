# shellcheck shell=bash
# The daemons of a one-node cluster. slurm.conf names neither PluginDir nor paths of the prefix, and slurmd
# gets no -d: what Slurm loads it must find by itself.

check_munged() {
  logs=munged
  mkdir -p /run/munge
  # Modes before owners, here and below: root without CAP_FOWNER changes the mode of its own files only.
  rm -f /etc/munge/munge.key
  head -c 1024 /dev/urandom >/etc/munge/munge.key
  chmod 400 /etc/munge/munge.key
  chown munge: /run/munge /etc/munge/munge.key
  start_daemon munged setpriv --reuid=munge --regid=munge --clear-groups munged --foreground
  wait_daemon munged 10 test -S /run/munge/munge.socket.2
  munge --no-input | unmunge | grep STATUS
}

add_user() { id "$1" >/dev/null 2>&1 || useradd --create-home --user-group "$1"; }

jwt_key() {
  local key=/etc/slurm/jwt_hs256.key
  mkdir -p /etc/slurm
  add_user slurm
  [ ! -s $key ] || return 0
  head -c 32 /dev/urandom >$key
  chmod 600 $key
  chown slurm: $key
}

# first_command NAME...: the first of these programs that is there.
first_command() {
  local name
  for name in "$@"; do command -v "$name" && return; done
  fail "none of $* is there"
}

# A MariaDB for slurmdbd, on loopback; it takes a while to come up, so it begins before all else.
check_database() {
  logs=mariadb
  local data=$SMOKE_STATE/mariadb
  local options=(--no-defaults --user=mysql --datadir="$data" --innodb-flush-log-at-trx-commit=0
    --innodb-log-file-size=8M --innodb-buffer-pool-size=32M --skip-innodb-doublewrite)
  # Enterprise Linux has the server where no PATH leads; before MariaDB 10.4 it has its old name, and root needs no
  # other way to log in.
  local PATH=$PATH:/usr/libexec server install=(--skip-test-db --auth-root-authentication-method=normal)
  server=$(first_command mariadbd mysqld)
  [ "${server##*/}" = mariadbd ] || install=(--skip-test-db)
  add_user mysql
  mkdir -p "$data"
  chown mysql: "$data"
  "$(first_command mariadb-install-db mysql_install_db)" "${options[@]}" "${install[@]}" >"$SMOKE_STATE/mariadb.out"
  cat >"$SMOKE_STATE/mariadb.sql" <<'SQL'
CREATE DATABASE slurm_acct_db;
CREATE USER slurm@'127.0.0.1' IDENTIFIED BY 'smoke';
GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';
SQL
  start_daemon mariadb "$server" "${options[@]}" --bind-address=127.0.0.1 --skip-name-resolve \
    --socket="$data/socket" --pid-file="$data/pid" --init-file="$SMOKE_STATE/mariadb.sql"
  wait_daemon mariadb 30 grep -q 'ready for connections' "$SMOKE_STATE/mariadb.out"
  "$server" --version
}

# start_slurmdbd [jwt]
start_slurmdbd() {
  rm -f /etc/slurm/slurmdbd.conf
  cat >/etc/slurm/slurmdbd.conf <<CONF
DbdHost=localhost
SlurmUser=slurm
PidFile=/run/slurm/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StorageUser=slurm
StoragePass=smoke
StorageLoc=slurm_acct_db
MessageTimeout=$(limit 10)
CONF
  if [ "${1:-}" = jwt ]; then
    printf '%s\n' AuthAltTypes=auth/jwt AuthAltParameters=jwt_key=/etc/slurm/jwt_hs256.key >>/etc/slurm/slurmdbd.conf
  fi
  chmod 600 /etc/slurm/slurmdbd.conf
  chown slurm: /etc/slurm/slurmdbd.conf
  start_daemon slurmdbd setpriv --reuid=slurm --regid=slurm --clear-groups "$SMOKE_PREFIX/sbin/slurmdbd" -D
  wait_daemon slurmdbd 40 grep -q 'slurmdbd version .* started' "$SMOKE_STATE/slurmdbd.out"
  # It says so a moment before it listens.
  wait_daemon slurmdbd 40 port_open 6819
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

check_slurmdbd() {
  need munged install database
  logs='mariadb slurmdbd'
  jwt_key
  mkdir -p /run/slurm
  chown slurm: /run/slurm
  write_slurm_conf accounting
  # Without JWT it is still a database; that check fails later on its own.
  start_slurmdbd jwt || { logs+=' slurmdbd-jwt'; mv "$SMOKE_STATE/slurmdbd.out" "$SMOKE_STATE/slurmdbd-jwt.out"; start_slurmdbd; }
  "$SMOKE_PREFIX/bin/sacctmgr" --immediate add cluster smoke
  "$SMOKE_PREFIX/bin/sacctmgr" --noheader --parsable2 list clusters format=cluster | grep -qx smoke
  echo 'sacctmgr added a cluster'
}

# write_slurm_conf [accounting] [jwt] [lua] [cgroup]
write_slurm_conf() {
  local feature task=task/affinity proctrack=proctrack/linuxproc gres=''
  mkdir -p /etc/slurm /run/slurm /var/spool/slurmctld /var/spool/slurmd
  chown slurm: /run/slurm /var/spool/slurmctld
  local extra=()
  rm -f /etc/slurm/cgroup.conf
  if at_least 24.05; then echo CgroupPlugin=disabled >/etc/slurm/cgroup.conf; fi
  for feature in "$@"; do
    case $feature in
      accounting) extra+=(AccountingStorageType=accounting_storage/slurmdbd AccountingStorageHost=localhost) ;;
      jwt) extra+=(AuthAltTypes=auth/jwt AuthAltParameters=jwt_key=/etc/slurm/jwt_hs256.key) ;;
      lua) extra+=(JobSubmitPlugins=lua) ;;
      cgroup)
        task=task/cgroup,task/affinity proctrack=proctrack/cgroup
        printf '%s\n' CgroupPlugin=cgroup/v2 IgnoreSystemd=yes EnableControllers=yes ConstrainCores=yes \
          ConstrainRAMSpace=yes >/etc/slurm/cgroup.conf
        ;;
    esac
  done
  if [ -f "$SMOKE_STATE/gpus" ]; then
    gres=" Gres=gpu:$(cat "$SMOKE_STATE/gpus")"
    extra+=(GresTypes=gpu)
  fi
  cat >/etc/slurm/slurm.conf <<CONF
ClusterName=smoke
SlurmctldHost=$(hostname -s)
SlurmUser=slurm
SlurmctldPidFile=/run/slurm/slurmctld.pid
SlurmdPidFile=/run/slurm/slurmd.pid
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldParameters=enable_configless
SlurmdParameters=config_overrides
ProctrackType=$proctrack
TaskPlugin=$task
JobAcctGatherType=jobacct_gather/linux
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=32
MpiDefault=none
MessageTimeout=$(limit 10)
ReturnToService=2
$(printf '%s\n' "${extra[@]}")
$(cat "$SMOKE_STATE/more.conf" 2>/dev/null || true)
$("$SMOKE_PREFIX/sbin/slurmd" -C | grep ^NodeName= | sed 's/ Gres=[^ ]*//')$gres State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
CONF
}

# start_slurmctld [FEATURE...]
start_slurmctld() {
  write_slurm_conf "$@"
  start_daemon slurmctld setpriv --reuid=slurm --regid=slurm --clear-groups "$SMOKE_PREFIX/sbin/slurmctld" -D
  wait_daemon slurmctld 15 "$SMOKE_PREFIX/bin/scontrol" ping || return 1
  echo "$*" >"$SMOKE_STATE/features"
}

check_slurmctld() {
  need munged install
  logs=slurmctld
  local all='' without
  promised jwt && all+=' jwt'
  promised lua && all+=' lua'
  jwt_key
  write_job_submit
  [ "$(cat "$SMOKE_STATE/slurmdbd.status" 2>/dev/null)" = passed ] && all="accounting$all"
  # A plugin that does not load ends slurmctld. It runs without that one then, so that only the check of what
  # is missing fails.
  # shellcheck disable=SC2086 # a word each
  if start_slurmctld $all; then
    echo "up, with $all"
    return
  fi
  for without in $all; do
    cp "$SMOKE_STATE/slurmctld.out" "$SMOKE_STATE/slurmctld-$without.out"
    stop_daemon slurmctld
    # shellcheck disable=SC2086
    start_slurmctld ${all/$without/} && { echo "up, but not with $without"; return; }
  done
  stop_daemon slurmctld
  start_slurmctld && { echo "up, but with none of $all"; return; }
  fail 'slurmctld does not start'
}

# Whether slurmctld runs with a feature.
has_feature() {
  grep -qw "$1" "$SMOKE_STATE/features" && return
  logs="slurmctld-$1"
  fail "slurmctld does not start with $1"
}

# start_slurmd [OPTION...]: in the cgroup $slurmd_cgroup where that is set, alone, as systemd would have it.
slurmd_cgroup=
start_slurmd() {
  local inside=()
  # shellcheck disable=SC2016 # the inner shell's
  [ -z "$slurmd_cgroup" ] || inside=(bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$slurmd_cgroup")
  start_daemon slurmd "${inside[@]}" "$SMOKE_PREFIX/sbin/slurmd" -D "$@"
  wait_daemon slurmd 15 grep -q 'slurmd started on' "$SMOKE_STATE/slurmd.out"
}

node_idle() { [ "$("$SMOKE_PREFIX/bin/sinfo" --noheader --format %t)" = idle ]; }

check_slurmd() {
  need slurmctld
  logs='slurmd slurmctld'
  add_user tester
  start_slurmd
  echo 'started'
}

check_sinfo() {
  need slurmd
  logs='slurmd slurmctld'
  wait_for 15 node_idle || { "$SMOKE_PREFIX/bin/sinfo" --list-reasons; return 1; }
  "$SMOKE_PREFIX/bin/sinfo" --noheader
}

# A node without slurm.conf: slurmd takes it, and its plugins, from where the tarball lies.
check_configless() {
  need sinfo
  logs='slurmd slurmctld'
  stop_daemon slurmd
  rm -rf /var/spool/slurmd/*
  start_slurmd --conf-server "$(hostname -s)"
  [ -s /var/spool/slurmd/conf-cache/slurm.conf ] || fail 'slurmd did not fetch slurm.conf'
  wait_for 15 node_idle
  timeout "$(limit 20)" "$SMOKE_PREFIX/bin/srun" hostname -s
}

# A cgroup with processes of its own hands no controller down: they go to one below it, where
# systemd's first process would be.
emptied() {
  local pid
  while read -r pid; do echo "$pid" >"$1/init.scope/cgroup.procs" || true; done <"$1/cgroup.procs"
  [ -z "$(cat "$1/cgroup.procs")" ]
}

check_cgroup_v2() {
  need sinfo
  logs='slurmd slurmctld'
  local root=/sys/fs/cgroup controllers inside
  [ "$(stat -f -c %T $root)" = cgroup2fs ] || skip "this machine has cgroup v1"
  [ -w $root/cgroup.procs ] || mount -o remount,bind,rw $root || skip "$root can't be written in this container"
  slurmd_cgroup=$root/system.slice/slurmd.service
  mkdir -p $root/init.scope $slurmd_cgroup || skip "$root can't be written in this container"
  controllers=$(cat $root/cgroup.controllers)
  case " $controllers " in *' cpuset '*) ;; *) skip "cgroup v2 has no cpuset here: $controllers" ;; esac
  stop_daemon slurmd
  stop_daemon slurmctld
  wait_for 5 emptied $root
  # shellcheck disable=SC2046 # a word each
  start_slurmctld $(cat "$SMOKE_STATE/features") cgroup
  start_slurmd
  wait_for 15 node_idle
  # shellcheck disable=SC2016 # the inner shell's
  inside=$(timeout "$(limit 20)" "$SMOKE_PREFIX/bin/srun" --mem=64M bash -c \
    'path=$(sed s/^0::// /proc/self/cgroup); echo "$path"
    while grep -sqx max "/sys/fs/cgroup$path/memory.max"; do path=${path%/*}; done
    cat "/sys/fs/cgroup$path/memory.max"')
  echo "$inside" | grep -q '/job_[0-9]*/step_0/' || fail "the step is in $inside"
  echo "$inside" | grep -qx $((64 * 1024 * 1024)) || fail "the memory limit is not there: $inside"
  echo "$inside" | head -n 1
}
