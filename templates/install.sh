#!/bin/sh
# Installs @TARGET@ from the tarballs beside this script; written by slurm-factory.
# The tree finds its own files wherever it lies, so nothing in it is rewritten. `--help` says more.
set -eu
LC_ALL=C
export LC_ALL
umask 022

target='@TARGET@'
version='@VERSION@'
module='@MODULE@'
toolchain='@TOOLCHAIN@'
arch='@ARCH@'
default_prefix='@PREFIX@'
os_id='@OS_ID@'
os_version='@OS_VERSION@'
package_manager='@PACKAGE_MANAGER@'
record_name='.slurm-factory-install'
# A path has at most 4095 characters (PATH_MAX). Below the prefix, the longest that is looked up is a
# library's on the loader's way ($ORIGIN/../lib/slurm/glibc-hwcaps/...): under 150, with the name of the
# partial tree next to the prefix under 200. 1000 leaves room three times over for what Slurm joins to it.
longest_prefix=1000

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
die() {
  note "error: $*"
  exit 1
}
misuse() {
  note "error: $*"
  note "See: $0 --help"
  exit 2
}

help() {
  cat <<TEXT
Installs $target (Slurm $version for $toolchain).

  $0 --prefix P [--modules M [--default]] [--systemd [UNITS]] [--dir D]
  $0 --check
  $0 --uninstall --prefix P

  --prefix P         folder to install in: absolute, of the characters A-Z a-z 0-9 / . _ + @ -, at most
                     $longest_prefix long, empty or not there yet
  --modules M        also put the module files in M/lmod (for Lmod) and M/tcl (for Environment Modules)
  --default          mark this version as the default of \`module load slurm\` in M
  --systemd [UNITS]  also write a unit for each daemon of the tree (UNITS: /etc/systemd/system)
  --dir D            folder of $target-software.tar.gz, -modules.tar.gz and -SHA256SUMS
                     (the one this script is in)
  --check            only tell whether this machine has what Slurm needs
  --uninstall        remove what was installed at P, and the module files and units that were written for it

The sums are verified first. The tree appears at P at once and whole, or, after a failure or a signal, nothing
does. No existing file is overwritten; --uninstall leaves files that were changed.

Exit codes: 0 done; 1 failed, for --check: something is missing; 2 wrong arguments; 128 + n ended by signal n.
TEXT
}

# --- arguments

# Refuses a path that could not stand in a unit file, a module file or PATH as it is.
# usage: require_plain_path WHAT PATH
require_plain_path() {
  case $2 in
    *[!A-Za-z0-9/._+@-]*) misuse "$1 may hold A-Z a-z 0-9 / . _ + @ - only (no white space): '$2'" ;;
  esac
  case $2/ in
    /*/../* | /*/./* | /../* | /./*) misuse "$1 must not go through . or ..: $2" ;;
    /*) ;;
    *) misuse "$1 must be an absolute path: '$2'" ;;
  esac
}

# The path without doubled and trailing slashes.
tidy() { printf '%s\n' "$1" | sed -e 's|//*|/|g' -e 's|\(.\)/$|\1|'; }

mode=install prefix='' modules='' default='' units='' dir='' unknown=''
while [ $# -gt 0 ]; do
  case $1 in
    --prefix=* | --modules=* | --systemd=* | --dir=*)
      option=${1%%=*} value=${1#*=}
      shift
      [ -n "$value" ] || misuse "$option= needs a path"
      set -- "$option" "$value" "$@"
      ;;
  esac
  case $1 in
    --prefix | --modules | --dir)
      [ $# -gt 1 ] || misuse "$1 needs a path"
      case $1 in
        --prefix) prefix=$2 ;;
        --modules) modules=$2 ;;
        --dir) dir=$2 ;;
      esac
      [ -n "$2" ] || misuse "$1 needs a path"
      shift 2
      ;;
    --systemd)
      units=/etc/systemd/system
      shift
      case ${1--} in
        -*) ;;
        *)
          units=$1
          shift
          ;;
      esac
      ;;
    --default) default=yes && shift ;;
    --check | --uninstall)
      [ "$mode" = install ] || [ "$mode" = "${1#--}" ] || misuse "--check and --uninstall exclude each other"
      mode=${1#--}
      shift
      ;;
    --help | -h)
      help
      exit 0
      ;;
    *)
      unknown="$unknown '$1'"
      shift
      ;;
  esac
done
[ -z "$unknown" ] || misuse "unknown:$unknown"
if [ "$mode" != install ] && [ -n "$modules$default$units$dir" ]; then
  misuse "--modules, --default, --systemd and --dir belong to an installation"
fi
[ "$mode" != check ] || [ -z "$prefix" ] || misuse "--check takes no --prefix: it looks at the machine"
[ "$mode" = check ] || [ -n "$prefix" ] || misuse "--prefix is missing"
[ -z "$default" ] || [ -n "$modules" ] || misuse "--default needs --modules"
if [ -n "$prefix" ]; then
  require_plain_path --prefix "$prefix"
  prefix=$(tidy "$prefix")
fi
if [ -n "$modules" ]; then
  require_plain_path --modules "$modules"
  modules=$(tidy "$modules")
fi
if [ -n "$units" ]; then
  require_plain_path --systemd "$units"
  units=$(tidy "$units")
fi

# --- what the machine must have

missing_packages() {
  set -- @RUNTIME_PACKAGES@
  [ $# -gt 0 ] || return 0
  if [ "$package_manager" = rpm ]; then
    rpm -q --whatprovides "$@" 2>/dev/null | sed -n 's/^no package provides //p'
    return 0
  fi
  # shellcheck disable=SC2016 # dpkg-query fills these in
  dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | {
    installed=$(sed -n 's/ installed$//p')
    for package in "$@"; do
      printf '%s\n' "$installed" | grep -qxF -e "$package" || printf '%s\n' "$package"
    done
  }
}

# Tells what the machine lacks. Another distribution or processor is a warning, a missing package is not.
check() {
  machine=$(uname -m)
  case $arch-$machine in
    amd64-x86_64 | arm64-aarch64) ;;
    *) note "warning: this is $machine, $target is for $arch" ;;
  esac
  found=$(
    ID='' VERSION_ID=''
    # shellcheck disable=SC1091 # the machine's own
    [ ! -r /etc/os-release ] || . /etc/os-release
    printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-unknown}"
  )
  case $found in
    "$os_id $os_version" | "$os_id $os_version".*) ;;
    *) note "warning: this is '$found', $target is for '$os_id $os_version'" ;;
  esac
  query=dpkg-query install='apt-get install -y'
  [ "$package_manager" = dpkg ] || { query=rpm install='dnf install -y'; }
  if ! command -v "$query" >/dev/null; then
    note "there is no $query here to ask for packages"
    return 1
  fi
  missing=$(missing_packages | tr '\n' ' ')
  missing=${missing% }
  if [ -n "$missing" ]; then
    note "packages are missing; install them with:"
    say "$install $missing"
    return 1
  fi
  say "all packages that $target needs are installed"
}

# --- installing

stage='' child='' written='' folders='' committed=''

# However this ends: what was not finished is taken away again.
clean_up() {
  status=$?
  trap '' HUP INT QUIT PIPE TERM
  trap - EXIT
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || :
    wait "$child" 2>/dev/null || :
  fi
  [ -z "$stage" ] || rm -rf "$stage" || :
  if [ -z "$committed" ]; then
    for file in $written; do rm -f "$file" || :; done
    for folder in $folders; do rmdir "$folder" 2>/dev/null || :; done
  fi
  exit "$status"
}

# Makes a folder and remembers, deepest first, what was not there before.
make_folder() {
  new='' at=$1
  until [ -e "$at" ]; do
    new="$new $at"
    at=${at%/*}
    at=${at:-/}
  done
  folders="$new $folders"
  mkdir -p "$1" || die "$1 could not be made"
}

# Compares files of the folder D with SHA256SUMS.
verify() {
  sums=$dir/$target-SHA256SUMS
  [ -f "$sums" ] || die "$sums is missing"
  for name in "$@"; do
    [ -f "$dir/$name" ] || die "$dir/$name is missing"
    wanted=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$sums")
    [ -n "$wanted" ] || die "$sums does not list $name"
    actual=$(sha256sum <"$dir/$name") || die "$dir/$name could not be read"
    [ "${actual%% *}" = "$wanted" ] || die "$dir/$name is damaged: its sum is not the one in $sums"
  done
}

# Refuses a place that the tree could not be put in or run from.
require_usable_prefix() {
  if [ -L "$prefix" ]; then die "$prefix is a symbolic link; name the folder itself"; fi
  if [ -e "$prefix" ]; then
    [ -d "$prefix" ] || die "$prefix exists and is no folder"
    [ -z "$(ls -A "$prefix")" ] || die "$prefix is not empty"
  fi
  anchor=${prefix%/*}
  anchor=${anchor:-/}
  rest=${prefix##*/}
  until [ -e "$anchor" ] || [ -L "$anchor" ]; do
    rest=${anchor##*/}/$rest
    anchor=${anchor%/*}
    anchor=${anchor:-/}
  done
  [ -d "$anchor" ] || die "$anchor is no folder"
  # Slurm asks for its own place by the path without symbolic links, so that this one counts.
  resolved=$(cd -P "$anchor" && pwd -P)/$rest || die "$anchor can't be entered"
  case $resolved in
    *[!A-Za-z0-9/._+@-]*) die "$prefix is really '$resolved', and that may hold A-Z a-z 0-9 / . _ + @ - only" ;;
  esac
  if [ ${#prefix} -gt $longest_prefix ] || [ ${#resolved} -gt $longest_prefix ]; then
    die "the prefix is longer than $longest_prefix characters"
  fi
  # A name has at most 255; the partial tree's is longer than the prefix's.
  name=${prefix##*/}
  [ ${#name} -le 230 ] || die "the last part of the prefix is longer than 230 characters"
  if [ -d "$prefix" ] && [ "$(stat -c %d "$prefix")" != "$(stat -c %d "$prefix/..")" ]; then
    die "$prefix is a mount point; name a folder below it"
  fi
  # gzip's last four bytes are the size of what it holds; a tenth more for half-filled blocks.
  size=$(tail -c 4 "$dir/$target-software.tar.gz" | od -An -tu4 | tr -d ' ')
  needed=$((size * 11 / 10240 + 4096))
  free=$(df -Pk "$anchor" | awk 'NR == 2 { print $(NF - 2) }')
  [ "$free" -ge "$needed" ] || die "$prefix needs $needed KiB, there are $free KiB free"
}

# Unpacks a tarball without its top folder. In the background, so that a signal is heard at once.
unpack() {
  mkdir "$2" || die "$2 could not be made"
  tar -xzf - -C "$2" --strip-components=1 --no-same-owner --no-same-permissions <"$dir/$1" &
  child=$!
  wait "$child" || die "$1 could not be unpacked"
  child=''
}

# What the units have in common; the values are those of Slurm's own unit files.
# usage: unit_text DAEMON
unit_text() {
  name=$1 type=simple start="$prefix/sbin/$1 -D -s" user='' environment='' after='network-online.target remote-fs.target'
  runtime='' condition=/etc/slurm/slurm.conf reload=yes
  limits='LimitNOFILE=65536
LimitMEMLOCK=infinity
TasksMax=infinity'
  node_limits='KillMode=process
LimitNOFILE=131072
LimitMEMLOCK=infinity
LimitSTACK=infinity
TasksMax=infinity'
  # Slurm tells systemd that it is ready, and its units run as slurm, from 23.11 on.
  modern=yes
  case $version in 22.* | 23.02.*) modern='' ;; esac
  case $name in slurmctld | slurmd | sackd)
    [ -z "$modern" ] || { type=notify start="$prefix/sbin/$name --systemd"; } ;;
  esac
  case $name in slurmctld | slurmdbd | sackd) [ -z "$modern" ] || user=slurm ;; esac
  case $name in
    slurmctld) description='Slurm controller' runtime=slurmctld after="$after munge.service sssd.service" ;;
    slurmdbd)
      description='Slurm accounting' runtime=slurmdbd condition=/etc/slurm/slurmdbd.conf
      after="$after munge.service mysql.service mysqld.service mariadb.service sssd.service"
      ;;
    slurmd)
      description='Slurm node' runtime=slurm condition='' after="$after munge.service sssd.service"
      limits="$node_limits
Delegate=yes"
      ;;
    sackd) description='Slurm authentication' runtime=slurm condition='' limits=$node_limits ;;
    slurmrestd)
      # It refuses to run as root or as SlurmUser.
      description='Slurm REST' user=slurmrestd start="$prefix/sbin/slurmrestd" after="$after slurmctld.service"
      environment='Environment=SLURM_JWT=daemon
Environment=SLURMRESTD_LISTEN=:6820'
      limits=LimitMEMLOCK=infinity reload=''
      ;;
  esac
  upper=$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')
  cat <<UNIT
# $target at $prefix, written by slurm-factory. Put changes in $name.service.d/*.conf.
[Unit]
Description=$description daemon
After=$after
Wants=network-online.target
${condition:+ConditionPathExists=$condition
}
[Service]
Type=$type
EnvironmentFile=-/etc/sysconfig/$name
EnvironmentFile=-/etc/default/$name
${user:+User=$user
Group=$user
}${runtime:+RuntimeDirectory=$runtime
RuntimeDirectoryMode=0755
}${environment:+$environment
}ExecStart=$start \$${upper}_OPTIONS
${reload:+ExecReload=/bin/kill -HUP \$MAINPID
}$limits

[Install]
WantedBy=multi-user.target
UNIT
}

# Takes a file of the partial tree down for a place outside the prefix.
# usage: plan_file FILE DESTINATION
plan_file() {
  if [ -e "$2" ] || [ -L "$2" ]; then die "$2 exists; it is not overwritten"; fi
  sum=$(sha256sum <"$1")
  printf '%s %s %s\n' "${sum%% *}" "$2" "$1" >>"$stage/plan"
}

plan_modules() {
  unpack "$target-modules.tar.gz" "$stage/modules"
  pattern=$(printf '%s' "$default_prefix" | sed 's/\./\\./g')
  for file in "lmod/slurm/$module.lua" "tcl/slurm/$module"; do
    grep -qF -e "$default_prefix" "$stage/modules/$file" || die "$file does not name $default_prefix"
    sed "s|$pattern|$prefix|g" "$stage/modules/$file" >"$stage/module.${file%%/*}"
    plan_file "$stage/module.${file%%/*}" "$modules/$file"
  done
  [ -n "$default" ] || return 0
  say "module_version(\"slurm/$module\", \"default\")" >"$stage/default.lmod"
  printf '#%%Module\nset ModulesVersion "%s"\n' "$module" >"$stage/default.tcl"
  plan_file "$stage/default.lmod" "$modules/lmod/slurm/.modulerc.lua"
  plan_file "$stage/default.tcl" "$modules/tcl/slurm/.version"
}

plan_units() {
  for daemon in slurmctld slurmdbd slurmd slurmrestd sackd; do
    [ -x "$stage/tree/sbin/$daemon" ] || continue
    unit_text "$daemon" >"$stage/$daemon.service"
    plan_file "$stage/$daemon.service" "$units/$daemon.service"
  done
}

# Puts the planned files in their places, then the tree in its own: the last step is one rename.
commit() {
  while read -r _ path file; do
    make_folder "${path%/*}"
    (set -C && : >"$path") || die "$path could not be made"
    written="$written $path"
    cat "$file" >"$path" || die "$path could not be written"
  done <"$stage/plan"
  {
    say "# Written by slurm-factory; \`$target-install.sh --uninstall\` reads it."
    say "target $target"
    say "prefix $prefix"
    sed -e 's/^/file /' -e 's/ [^ ]*$//' "$stage/plan"
    for folder in $folders; do say "folder $folder"; done
  } >"$stage/tree/$record_name"
  mv -T "$stage/tree" "$prefix" || die "$prefix could not be put in place"
  committed=yes
}

install() {
  if [ -z "$dir" ]; then dir=$(CDPATH='' cd "$(dirname -- "$0")" && pwd); fi
  if [ -n "$modules" ]; then
    verify "$target-software.tar.gz" "$target-modules.tar.gz"
  else
    verify "$target-software.tar.gz"
  fi
  require_usable_prefix
  check || note "warning: Slurm will not run before that is done"

  trap clean_up EXIT
  for signal in 1:HUP 2:INT 3:QUIT 13:PIPE 15:TERM; do
    # shellcheck disable=SC2064 # the number is meant now
    trap "exit $((128 + ${signal%:*}))" "${signal#*:}"
  done
  parent=${prefix%/*}
  make_folder "${parent:-/}"
  stage=$prefix.partial.$$
  mkdir "$stage" || { stage='' && die "$prefix.partial.$$ could not be made"; }
  printf '#!/bin/sh\n' >"$stage/probe"
  chmod 755 "$stage/probe"
  "$stage/probe" || die "no program can be started in ${parent:-/}: is it mounted noexec?"
  unpack "$target-software.tar.gz" "$stage/tree"
  : >"$stage/plan"
  [ -z "$modules" ] || plan_modules
  [ -z "$units" ] || plan_units
  # From here on it is a few small files and a rename: a signal comes too late.
  trap '' HUP INT QUIT PIPE TERM
  commit
  {
    say "$target is in $prefix"
    [ -z "$modules" ] || say "modules: module use $modules/lmod (Lmod) or $modules/tcl (Environment Modules)"
    [ -z "$units" ] || say "units: systemctl daemon-reload, then systemctl enable --now those this machine runs"
  } || :
}

# --- uninstalling

uninstall() {
  record=$prefix/$record_name
  if [ -L "$prefix" ] || [ ! -f "$record" ]; then die "$prefix has no $record_name: not installed by this script"; fi
  left=''
  recorded=$(sed -n 's/^prefix //p' "$record")
  here=$(cd -P "$prefix" && pwd -P)
  elsewhere=''
  if [ -f "$recorded/$record_name" ] && [ "$(cd -P "$recorded" && pwd -P)" != "$here" ]; then
    note "$prefix is a copy of $recorded; the module files and units of that one stay"
    elsewhere=yes
  fi
  cp "$record" "$record.$$" || die "$prefix can't be written"
  trap '' HUP INT QUIT PIPE TERM
  while [ -z "$elsewhere" ] && read -r kind sum path; do
    [ "$kind" = file ] || continue
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
    if [ -L "$path" ] || [ "$(sha256sum <"$path")" != "$sum  -" ]; then
      note "left: $path was changed"
      continue
    fi
    rm -f "$path" || left="$left $path"
  done <"$record.$$"
  [ -z "$left" ] || die "could not be removed:$left"
  found=$(sed -n 's/^folder //p' "$record.$$")
  # Gone at once, so that nobody starts half a tree.
  mv -T "$prefix" "$prefix.removed.$$" || die "$prefix could not be moved away"
  rm -rf "$prefix.removed.$$" || die "$prefix.removed.$$ could not be removed"
  for folder in $found; do rmdir "$folder" 2>/dev/null || :; done
  say "$prefix is removed"
}

case $mode in
  install) install ;;
  check) check ;;
  uninstall) uninstall ;;
esac
