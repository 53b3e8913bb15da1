#!/bin/sh
# Installs @TARGET@ from the tarballs beside this script; written by slurm-factory.
# Slurm finds its own files wherever it lies, so nothing of it is rewritten; further packages get their path written.
# `--help` says more.

# --- what the environment may say: PATH, HOME, and LD_*, which says as PATH does what programs are

IFS='
 	'
# bash takes functions from its environment. In its POSIX mode, which the assignment starts, none stands before
# set and unset.
case ${BASH_VERSION-} in
  ?*)
    # shellcheck disable=SC2034 # bash reads it
    POSIXLY_CORRECT=yes
    set -f
    unset -f builtin command compgen shopt unalias
    # shellcheck disable=SC3044 # bash only
    for word in $(compgen -A function); do unset -f "$word"; done
    # shellcheck disable=SC3044
    shopt -u nocasematch nullglob failglob dotglob nocaseglob
    ;;
esac
\unalias -a
set -eu
set +f +C
# Some are read-only: those that bash sets itself.
# shellcheck disable=SC2013 # they are words
for word in $(awk 'BEGIN { for (name in ENVIRON) if (name ~ /^[A-Za-z_][A-Za-z0-9_]*$/) print name }'); do
  case $word in
    PATH | HOME | PWD | IFS | LD_* | FAKEROOTKEY) ;;
    *) command unset "$word" 2>/dev/null || : ;;
  esac
done
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
# Of a target that brings its libraries: the oldest glibc that it runs with.
glibc='@GLIBC@'
[ -z "$glibc" ] || toolchain="distributions with glibc $glibc or newer"
record_name='.slurm-factory-install'
# A path has at most 4095 characters (PATH_MAX). Below the prefix, the longest that is looked up is a
# library's on the loader's way ($ORIGIN/../lib/slurm/glibc-hwcaps/...): under 150, with the name of the
# partial tree next to the prefix under 200. 1000 leaves room three times over for what Slurm joins to it.
longest_prefix=1000
# Of a tree with further packages: the characters that programs of theirs have room for.
room='@ROOM@'
longest_prefix=${room:-$longest_prefix}
tab='	'
# Libraries that stay the machine's: soname, packages of Debian and Arch, what is missing without it.
host_libraries='@HOST_LIBRARIES@'

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

  $0 --prefix P [--modules M [--default]] [--systemd [UNITS]] [--dir D] [--force]
  $0 --check
  $0 --uninstall --prefix P [--force]

  --prefix P         folder to install in: absolute, only the characters A-Z a-z 0-9 / . _ + @ -, at most
                     $longest_prefix long, empty or not there yet
  --modules M        also put the module files in M/lmod (for Lmod) and M/tcl (for Environment Modules)
  --default          mark this version as the default of \`module load slurm\` in M
  --systemd [UNITS]  also write a unit for each daemon of the tree (UNITS: /etc/systemd/system)
  --dir D            folder of $target-software.tar.gz, -modules.tar.gz and -SHA256SUMS
                     (the one this script is in)
  --check            only say whether this machine is one that Slurm runs on, and has what Slurm needs
  --uninstall        remove what was installed at P, and the module files and units that were written for it
  --force            install where Slurm does not run, or without packages that Slurm needs;
                     uninstall what processes run from, or what another target's script installed

The sums are verified first, and the unpacked tree is compared with the list in this script. It appears at P at
once and whole, or, after a failure or a signal, nothing does. No existing file is overwritten. --uninstall
leaves what was changed or added, and touches nothing while a file system is mounted below P. What a killed run
left is taken back or finished by the next run at P.

Exit codes: 0 done; 1 refused or failed, for --check: something is missing; 2 wrong arguments; 128 + n ended by
signal n.
TEXT
}

# --- arguments

# Refuses a path that could not stand in a unit file, a module file or PATH as it is.
# usage: require_plain_path WHAT PATH
require_plain_path() {
  case $2 in
    *[!A-Za-z0-9/._+@-]*) misuse "$1 may only have the characters A-Z a-z 0-9 / . _ + @ - (no white space): '$2'" ;;
  esac
  case $2/ in
    /*/../* | /*/./* | /../* | /./*) misuse "$1 must not go through . or ..: $2" ;;
    /*) ;;
    *) misuse "$1 must be an absolute path: '$2'" ;;
  esac
}

# The path without doubled and trailing slashes.
tidy() { printf '%s\n' "$1" | sed -e 's|//*|/|g' -e 's|\(.\)/$|\1|'; }

mode=install prefix='' modules='' default='' units='' dir='' force='' unknown=''
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
          [ -n "$1" ] || misuse "--systemd needs a path, or nothing"
          units=$1
          shift
          ;;
      esac
      ;;
    --force) force=yes && shift ;;
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
[ "$mode" != check ] || [ -z "$prefix$force" ] || misuse "--check takes no --prefix and no --force: it looks at the machine"
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

for word in awk cat cksum cp dirname df find grep gzip head id ln ls mkdir mv od readlink rm rmdir sed sha256sum \
  sort stat tail tar tr uname xargs; do
  command -v "$word" >/dev/null || die "$word is not installed, and this script needs it"
done

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

# The machine's glibc must not be older than what the target was linked with.
check_glibc() {
  its=$({ getconf GNU_LIBC_VERSION || ldd --version; } 2>/dev/null | sed -n '1s/.*[^0-9.]\([0-9][0-9]*\.[0-9.]*\)$/\1/p')
  if [ -z "$its" ]; then
    note "no glibc is found here, and $target needs glibc $glibc or newer"
    return 1
  fi
  say "$its $glibc" | awk '{ split($1, has, "."); split($2, needs, ".")
    exit has[1] + 0 < needs[1] + 0 || (has[1] + 0 == needs[1] + 0 && has[2] + 0 < needs[2] + 0) }' || {
    note "this machine has glibc $its, and $target needs glibc $glibc or newer: take a tarball for this distribution"
    return 1
  }
}

# Whether the machine has a library for 64-bit programs where the loader looks.
# usage: has_library SONAME
has_library() {
  for file in "/lib64/$1" "/usr/lib64/$1" "/lib/$machine-linux-gnu/$1" "/usr/lib/$machine-linux-gnu/$1" "/lib/$1" "/usr/lib/$1" \
    $(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | awk -v name="$1" '$1 == name { print $NF }'); do
    [ -r "$file" ] && [ "$(od -An -tu1 -j4 -N1 "$file" | tr -d ' ')" = 2 ] && return
  done
  return 1
}

# What installs libraries here, as a line for root.
# usage: install_line SONAME...
install_line() {
  manager=''
  for word in apt-get dnf yum zypper pacman; do
    command -v $word >/dev/null && manager=$word && break
  done
  column=2 install='apt-get install -y --no-install-recommends'
  [ "$manager" != pacman ] || column=3 install='pacman -S'
  case $manager in
    apt-get | pacman)
      words=$(for soname in "$@"; do
        say "$host_libraries" | awk -F "$tab" -v name="$soname" -v column=$column '$1 == name { print $column }'
      done | sort -u | tr '\n' ' ')
      say "$install ${words% }"
      ;;
    # Packages of RPM say which libraries they have.
    ?*) say "$manager install -y$(printf " '%s()(64bit)'" "$@")" ;;
    *) say "install what has$(printf ' %s' "$@")" ;;
  esac
}

# Of a target that brings its libraries: those that stay the machine's.
check_libraries() {
  needed='' optional=''
  while IFS=$tab read -r soname _ _ feature; do
    if [ -z "$soname" ] || has_library "$soname"; then continue; fi
    if [ "$feature" = - ]; then
      needed="$needed $soname"
    else
      optional="$optional $soname"
      note "$soname is not here: Slurm runs without $feature"
    fi
  done <<TEXT
$host_libraries
TEXT
  PATH=$PATH:/usr/sbin:/sbin command -v munged >/dev/null || note "munge is not here: Slurm runs with auth/slurm, not with auth/munge"
  if [ -n "$needed" ]; then
    note "libraries are missing; install them with:"
    # shellcheck disable=SC2086 # a word each
    say "$(install_line $needed)"
    return 1
  fi
  if [ -n "$optional" ]; then
    # shellcheck disable=SC2086
    note "to have all of it: $(install_line $optional)"
  fi
  say "$target runs here: glibc $its, and all libraries that it needs"
}

# Tells what the machine lacks; succeeds where that is nothing.
check() {
  fits=yes
  machine=$(uname -m)
  case $arch-$machine in
    amd64-x86_64 | arm64-aarch64) ;;
    *) note "this is $machine, $target is for $arch" && fits='' ;;
  esac
  if [ -n "$glibc" ]; then
    check_glibc || fits=''
    [ -n "$fits" ] && check_libraries
    return
  fi
  found=$(
    ID='' VERSION_ID=''
    # shellcheck disable=SC1091 # the machine's own
    [ ! -r /etc/os-release ] || . /etc/os-release
    printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-unknown}"
  )
  case $found in
    "$os_id $os_version" | "$os_id $os_version".*) ;;
    *) note "this is '$found', $target is for '$os_id $os_version'" && fits='' ;;
  esac
  # Another distribution's packages have other names.
  [ -n "$fits" ] || return 1
  query=dpkg-query install='apt-get install -y'
  [ "$package_manager" = dpkg ] || { query=rpm install='dnf install -y --setopt=install_weak_deps=False'; }
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

# --- the places

# The last part of a path that is there: the path itself or a folder above it.
existing() {
  at=$1
  until [ -e "$at" ] || [ -L "$at" ]; do
    at=${at%/*}
    at=${at:-/}
  done
  say "$at"
}

# Root writes nowhere where somebody else could swap what it has written: a folder that all may write in has the
# sticky bit, or is refused.
require_safe_place() {
  [ "$(id -u)" = 0 ] || return 0
  at=$(existing "$1")
  at=$(cd -P "$at" 2>/dev/null && pwd -P) || die "$at is not a folder that can be entered"
  set --
  while [ "$at" != / ]; do
    set -- "$@" "$at"
    at=${at%/*}
    at=${at:-/}
  done
  open=$(stat -c '%a %n' / "$@" | awk '
    { sticky = length($1) == 4 ? substr($1, 1, 1) % 2 : 0 }
    !sticky && substr($1, length($1)) % 4 > 1 { sub(/^[0-9]* /, ""); print; exit }')
  [ -z "$open" ] || die "$open is writable by everyone and has no sticky bit: root does not install below it"
}

# Name of the target that a record is of.
target_of() { sed -n 's/^target //p' <"$1" | tr -cd 'a-z0-9.-'; }

# Refuses a place that the tree could not be put in or run from.
require_usable_prefix() {
  if [ -L "$prefix" ]; then die "$prefix is a symbolic link; name the folder itself"; fi
  if [ -f "$prefix/$record_name" ] && [ ! -L "$prefix/$record_name" ]; then
    die "$prefix is not empty: it holds $(target_of "$prefix/$record_name"), and no installation is changed in place;" \
      "give another --prefix, or first --uninstall it with the script that installed it"
  fi
  if [ -e "$prefix" ]; then
    [ -d "$prefix" ] || die "$prefix exists and is not a folder"
    [ -z "$(ls -A "$prefix")" ] || die "$prefix is not empty"
  fi
  anchor=${prefix%/*}
  anchor=$(existing "${anchor:-/}")
  rest=${prefix#"${anchor%/}/"}
  [ -d "$anchor" ] || die "$anchor is not a folder"
  # Slurm asks for its own place by the path without symbolic links, so that this one counts.
  resolved=$(cd -P "$anchor" && pwd -P)/$rest || die "$anchor can't be entered"
  case $resolved in
    *[!A-Za-z0-9/._+@-]*) die "$prefix resolves to '$resolved', which may only have the characters A-Z a-z 0-9 / . _ + @ -" ;;
  esac
  if [ ${#prefix} -gt "$longest_prefix" ] || [ ${#resolved} -gt "$longest_prefix" ]; then
    die "the prefix is longer than $longest_prefix characters"
  fi
  # A name has at most 255; the partial tree's is longer than the prefix's.
  name=${prefix##*/}
  [ ${#name} -le 230 ] || die "the last part of the prefix is longer than 230 characters"
  if [ -d "$prefix" ] && [ "$(stat -c %d "$prefix")" != "$(stat -c %d "$prefix/..")" ]; then
    die "$prefix is a mount point; name a folder below it"
  fi
  require_safe_place "$prefix"
  [ -z "$modules" ] || require_safe_place "$modules"
  [ -z "$units" ] || require_safe_place "$units"
  # gzip's last four bytes are the size of what it holds; a tenth more for half-filled blocks.
  size=$(tail -c 4 <"$dir/$target-software.tar.gz" | od -An -tu4 | tr -d ' ')
  needed=$((size * 11 / 10240 + 4096))
  free=$(df -Pk "$anchor" | awk 'NR == 2 { print $(NF - 2) }')
  [ "$free" -ge "$needed" ] || die "$prefix needs $needed KiB, and only $free KiB are free"
}

# Refuses a folder that a file system is mounted at or below: what is in there is not this script's.
# usage: require_no_mounts RESOLVED_FOLDER
require_no_mounts() {
  [ -r /proc/self/mountinfo ] || die "/proc is not mounted, so nothing shows what is mounted below $1"
  mount=$(awk -v at="$1" '$5 == at || index($5, at "/") == 1 { print $5; exit }' /proc/self/mountinfo)
  [ -z "$mount" ] || die "a file system is mounted at $mount: unmount it first; nothing was touched"
}

# Refuses a folder that processes run programs or libraries from, as far as this user may see that.
# usage: require_idle RESOLVED_FOLDER
require_idle() {
  running=$(
    {
      grep -lF -e " $1/" /proc/[0-9]*/maps
      # shellcheck disable=SC2010,SC2012 # one process for all of them; the names are numbers
      ls -l /proc/[0-9]*/exe | grep -F -e " -> $1/"
    } 2>/dev/null | sed -n 's|.*/proc/\([0-9]*\)/[em].*|\1|p' | sort -un | while read -r number; do
      name=$(tr -cd ' -~' 2>/dev/null <"/proc/$number/comm") || continue
      printf ' %s (%s)' "$number" "$name"
    done
  )
  [ -z "$running" ] || die "processes run from $prefix:$running; stop them first, or give --force"
}

# --- one run at a time, and what a killed one left
#
# A run works in a folder beside the prefix that is named for it: P.partial.ID of an installation, P.removed.ID of
# an uninstallation. ID is the process, the machine and the process's start; so the next run tells a dead one's
# from a living one's, and takes it over by renaming it to its own ID.

# Start of a process that runs, in four digits; fails for one that does not.
started() {
  line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086 # these are fields
  set -- ${line##*) }
  [ "$1" != Z ] && [ "$1" != X ] || return 1
  printf '%04x' $((${20} % 65536))
}

# What is the same for processes that see each other: boot, host and process namespace.
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null) || boot=unknown
host=$(uname -n)
sum=$({ say "$boot $host" && readlink /proc/self/ns/pid 2>/dev/null; } | cksum) || :
machine_mark=$(printf '%04x' $((${sum%% *} % 65536)))
id=$$.$machine_mark$(started $$ || say 0000)

# Whether the run that a folder is named for still works: alive, dead or unknown.
# usage: state_of FOLDER ID
state_of() {
  number=${2%.*} mark=${2#*.}
  if [ ! -r /proc/self/stat ]; then
    state=unknown
  elif [ "$machine_mark$(started "$number" || :)" = "$mark" ]; then
    state=alive
  elif [ "$machine_mark" = "${mark%????}" ]; then
    state=dead
  elif read -r its_host its_boot 2>/dev/null <"$1/owner" && [ "$its_host" = "$host" ] && [ "$its_boot" != "$boot" ]; then
    state=dead
  else
    # Another machine's or container's. It takes seconds, so that after an hour it is over.
    state=unknown
    [ -z "$(find "$1" -maxdepth 0 -mmin +60)" ] || state=dead
  fi
  say $state
}

# Makes a folder that this run works in.
open_folder() {
  mkdir -m 700 "$1" || return 1
  say "$host $boot" >"$1/owner"
}

# A folder of this script's own goes. A process of the killed run may still write there for a moment.
discard() {
  for pause in 0 1 1 1; do
    sleep $pause
    rm -rf "$1" 2>/dev/null && return 0
  done
  die "$1 could not be removed"
}

# Removes a stage, and the folders that a file of it names as long as they are empty. It may lie in these itself, so
# it goes out of them first; the next run would look there, too.
# usage: close_stage STAGE FILE
close_stage() {
  sed -n 's/^folder //p' "$1/$2" | sort -ru >"$1/folders.new"
  mv -T "$1/folders.new" "$1/folders"
  outer=''
  while read -r path; do
    case $1 in "$path"/*) outer=${path%/*}/.slurm-factory.partial.$id ;; esac
  done <"$1/folders"
  if [ -n "$outer" ] && mv -T "$1" "$outer" 2>/dev/null; then set -- "$outer"; fi
  close_folder "$1"
}

# Removes a folder of this script's own, after the empty folders that it may name.
close_folder() {
  if [ -f "$1/folders" ]; then
    while read -r path; do rmdir "$path" 2>/dev/null || :; done <"$1/folders"
  fi
  discard "$1"
}

# Takes over what killed runs have left at the prefix. Nothing that somebody else could have written is believed.
recovered=''
recover() {
  for folder in "$prefix".partial.* "$prefix".removed.*; do
    its_id=${folder##*.partial.}
    its_id=${its_id##*.removed.}
    case $its_id in
      *[!0-9a-f.]* | *.*.* | .*) continue ;;
      *.????????) ;;
      *) continue ;;
    esac
    if [ -L "$folder" ] || [ ! -d "$folder" ]; then continue; fi
    case $(stat -c '%u %a' "$folder") in
      "$(id -u) 700" | "$(id -u) 2700") ;;
      *) note "left: $folder is another user's" && continue ;;
    esac
    case $(state_of "$folder" "$its_id") in
      alive) die "another run of this script is working on $prefix: process ${its_id%.*}" ;;
      unknown) die "$folder belongs to a run on $(cat "$folder/owner" 2>/dev/null || :), process ${its_id%.*}: if that has ended, wait an hour or remove the folder" ;;
    esac
    require_no_mounts "$(cd -P "$folder" && pwd -P)"
    mine=${folder%"$its_id"}$id
    # Another run may be quicker.
    mv -T "$folder" "$mine" 2>/dev/null || die "another run of this script is working on $prefix"
    recovered=yes
    case $mine in
      *.partial."$id") note "an interrupted installation is taken back" && undo_installation "$mine" ;;
      *) note "an interrupted uninstallation is finished" && finish_removal "$mine" ;;
    esac
  done
  above=$prefix
  while [ -n "$above" ]; do
    above=${above%/*}
    for folder in "$above"/.slurm-factory.partial.*; do
      if [ -L "$folder" ] || [ ! -d "$folder" ]; then continue; fi
      [ "$(stat -c %u "$folder")" = "$(id -u)" ] || continue
      [ "$(state_of "$folder" "${folder##*.partial.}")" != dead ] || close_folder "$folder"
    done
  done
}

# --- what a tree holds

# Tells how a folder differs from a list: lines of same, changed, missing or added, and type and path. No link is
# followed, and only files that the list names are read. With `strict` modes and hard links count, too.
# usage: compare FOLDER LIST WORK_FOLDER [strict]
compare() {
  (cd -P "$1" && find . -mindepth 1 -exec stat -c "%f$tab%a$tab%h$tab%n" {} +) >"$3/found" ||
    die "$1 could not be read"
  awk -F "$tab" 'NR == FNR { type["./" $4] = $1; next }
    $1 ~ /^8/ && type[$4] == "file" { print $4 }' "$2" "$3/found" | tr '\n' '\0' |
    (cd -P "$1" && xargs -0 -r sha256sum) >"$3/sums" || :
  awk -F "$tab" 'NR == FNR { type["./" $4] = $1; next }
    $1 ~ /^a/ && type[$4] == "link" { print $4 }' "$2" "$3/found" | while IFS= read -r link; do
    printf '%s\t%s\n' "$(readlink "$1/$link")" "$link"
  done >"$3/links"
  awk -F "$tab" -v strict="${4-}" -v record="$record_name" '
    part == "list" { type[$4] = $1; mode[$4] = $2; value[$4] = $3; next }
    part == "sums" { actual[substr($0, 69)] = substr($0, 1, 64); next }
    part == "links" { actual[substr($2, 3)] = $1; next }
    # Anything else is the rest of a name with a newline.
    /^[0-9a-f]+\t[0-7]+\t[0-9]+\t\.\// {
      kind = substr($1, 1, 1)
      path = $0
      sub(/^[^\t]*\t[^\t]*\t[^\t]*\t\.\//, "", path)
      above = path
      sub(/\/[^\/]*$/, "", above)
      if (!(path in type)) {
        added[path]
        # Of a folder that was added, its name is enough.
        if (!(above in added && above != path) && (path != record || strict)) print "added\t-\t" path
        next
      }
      seen[path]
      what = type[path]
      good = (what == "file" && kind == "8" || what == "link" && kind == "a") && actual[path] == value[path]
      if (what == "folder") good = kind == "4"
      # A folder may have got the setgid bit of the one above it.
      permissions = what == "folder" ? substr($2, length($2) - 2) : $2
      if (strict && what != "link" && permissions != mode[path]) good = 0
      if (strict && what == "file" && $3 != 1) good = 0
      print (good ? "same" : "changed") "\t" what "\t" path
    }
    END { for (path in type) if (!(path in seen)) print "missing\t" type[path] "\t" path }
  ' part=list "$2" part=sums "$3/sums" part=links "$3/links" part=found "$3/found" ||
    die "$1 could not be compared"
}

# --- installing

stage='' nest='' child=''

# However this ends: what was not finished is taken away again.
clean_up() {
  status=$?
  trap '' HUP INT QUIT PIPE TERM
  trap - EXIT
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || :
    wait "$child" 2>/dev/null || :
  fi
  [ -z "$nest" ] || rm -rf "$nest" || :
  [ -z "$stage" ] || [ ! -d "$stage" ] || undo_installation "$stage"
  exit "$status"
}

# Takes an installation back by its journal, unless its tree stands in its place: then only the rest goes.
# The journal has lines `folder PATH`, `temporary PATH` and `file SUM PATH INODE`, each written before the thing was
# done.
undo_installation() {
  if [ -f "$1/journal" ]; then
    [ ! -d "$1/tree" ] || sed -n 's/^file //p' "$1/journal" | while read -r sum path inode; do
      if [ -L "$path" ] || [ ! -f "$path" ]; then continue; fi
      [ "$(stat -c %d:%i "$path")" = "$inode" ] || continue
      [ "$(sha256sum <"$path")" != "$sum  -" ] || rm -f "$path"
    done
    sed -n 's/^temporary //p' "$1/journal" | while read -r path; do rm -f "$path"; done
    if [ -d "$1/tree" ]; then
      close_stage "$1" journal
      return 0
    fi
  fi
  discard "$1"
}

# Takes down the folders on the way to a path that are not there.
note_folders() {
  at=$1
  until [ -e "$at" ] || [ -L "$at" ]; do
    say "folder $at" >>"$stage/journal"
    at=${at%/*}
    at=${at:-/}
  done
}

# Compares files of the folder D with SHA256SUMS.
verify() {
  sums=$dir/$target-SHA256SUMS
  [ -f "$sums" ] || die "$sums is missing"
  for name in "$@"; do
    [ -f "$dir/$name" ] || die "$dir/$name is missing"
    wanted=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' <"$sums")
    [ -n "$wanted" ] || die "$sums does not list $name"
    actual=$(sha256sum <"$dir/$name") || die "$dir/$name could not be read"
    [ "${actual%% *}" = "$wanted" ] || die "$dir/$name is damaged: its sum is not the one in $sums"
  done
}

# Opens the stage. Folders above the prefix that are not there yet appear together with it, so that whenever this
# is killed somebody knows of them.
open_installation() {
  parent=${prefix%/*}
  if [ -d "${parent:-/}" ]; then
    open_folder "$prefix.partial.$id" || die "$prefix.partial.$id could not be made"
    stage=$prefix.partial.$id
    mkdir "$stage/tree"
    : >"$stage/journal"
    return 0
  fi
  top=${anchor%/}/${rest%%/*}
  nest=${anchor%/}/.slurm-factory.partial.$id
  open_folder "$nest" || { nest='' && die "no folder can be created in $anchor"; }
  mkdir -p "$nest/new${parent#"$top"}"
  stage=$nest/new${prefix#"$top"}.partial.$id
  open_folder "$stage"
  mkdir "$stage/tree"
  note_folders "$parent"
  stage=$prefix.partial.$id
  mv -T "$nest/new" "$top" || die "$top could not be made; if another run has just made it, run this again"
  discard "$nest"
  nest=''
}

# Unpacks the tree without its top folder, and compares it with the list. In the background, so that a signal is
# heard at once.
unpack_tree() {
  tar -xpzof - -C "$stage/tree" --strip-components=1 <"$dir/$target-software.tar.gz" &
  child=$!
  wait "$child" || die "$target-software.tar.gz could not be unpacked"
  child=''
  printf '%s\n' "$contents" >"$stage/list"
  compare "$stage/tree" "$stage/list" "$stage" strict >"$stage/differences"
  if ! grep -qv "^same$tab" "$stage/differences" &&
    [ "$(grep -c "^same$tab" "$stage/differences")" = "$(grep -c . "$stage/list")" ]; then
    [ -z "$room" ] || relocate_packages
    return 0
  fi
  grep -v "^same$tab" "$stage/differences" | head -n 20 | tr -c '\n\t -~' '?' |
    while IFS=$tab read -r how _ path; do note "$how: $path"; done
  die "the content of $target-software.tar.gz is not what this script installs"
}

# Has the path written into further packages that they will have, and the new sums into the list.
relocate_packages() {
  sh "$stage/tree/packages/relocate" "$prefix" &
  child=$!
  wait "$child" || die "the path could not be written into the packages"
  child=''
  {
    say packages/relocate.done
    sed -n 's|^[a-z]*[^a-z]|packages/|p' "$stage/tree/packages/relocate.list" | sed 1d
  } | tr '\n' '\0' | (cd "$stage/tree" && xargs -0 sha256sum) >"$stage/relocated" ||
    die "the packages could not be read"
  say "file${tab}644$tab-${tab}packages/relocate.done" | cat "$stage/list" - | awk -F "$tab" -v OFS="$tab" '
    NR == FNR { sum[substr($0, 67)] = substr($0, 1, 64); next }
    $4 in sum { $3 = sum[$4] }
    { print }' "$stage/relocated" - >"$stage/list.new"
  mv -T "$stage/list.new" "$stage/list"
}

# Whether the release is this one or a newer one.
since() {
  printf '%s %s\n' "$version" "$1" | awk '{
    split($1, a, /[.-]/); split($2, b, ".")
    exit a[1] * 10000 + a[2] * 100 + a[3] < b[1] * 10000 + b[2] * 100 + b[3]
  }'
}

# A daemon's unit: what upstream's etc/*.service.in of this release says, line by line.
# usage: unit_text DAEMON
unit_text() {
  name=$1 type=simple wait='' user='' runtime='' condition='' reload=yes limits='' environment='' delegate=''
  upper=$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')
  start="-D -s \$${upper}_OPTIONS" network=network-online.target sssd='' memory=''
  ! since 23.11.1 || { network='network-online.target remote-fs.target' && sssd=' sssd.service'; }
  ! since 25.05.3 || memory='LimitMEMLOCK=infinity
'
  case $name in slurmctld | slurmd | sackd)
    ! since 23.11.0 || { type=notify && start="--systemd \$${upper}_OPTIONS"; } ;;
  esac
  case $name in slurmctld | slurmdbd)
    ! since 23.11.0 || { user=slurm && runtime=$name; }
    limits="LimitNOFILE=65536
$memory"
    ;;
  esac
  case $name in slurmd | sackd)
    ! since 23.11.0 || runtime=slurm
    limits='KillMode=process
LimitNOFILE=131072
LimitMEMLOCK=infinity
LimitSTACK=infinity
'
    ;;
  esac
  case $name in
    slurmctld)
      description='Slurm controller daemon' condition=/etc/slurm/slurm.conf
      wait="$network munge.service$sssd"
      ;;
    slurmdbd)
      description='Slurm DBD accounting daemon' condition=/etc/slurm/slurmdbd.conf
      wait="$network munge.service mysql.service mysqld.service mariadb.service$sssd"
      ;;
    slurmd)
      description='Slurm node daemon' delegate=yes
      wait="munge.service network-online.target remote-fs.target$sssd"
      ;;
    sackd)
      description='Slurm auth and cred kiosk daemon' user=slurm
      wait='network-online.target remote-fs.target'
      ;;
    slurmrestd) slurmrestd_unit ;;
  esac
  tasks='TasksMax=infinity
'
  [ "$name" != slurmrestd ] || tasks=''
  cat <<UNIT
# $target at $prefix, written by slurm-factory. Put changes in $name.service.d/*.conf.
[Unit]
Description=$description
After=$wait
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
}ExecStart=$prefix/sbin/$name $start
${environment:+$environment
}${reload:+ExecReload=/bin/kill -HUP \$MAINPID
}$limits${delegate:+Delegate=$delegate
}$tasks
[Install]
WantedBy=multi-user.target
UNIT
}

# What is slurmrestd's own. It runs neither as root nor as SlurmUser; before 25.05 whom it runs as is left to a
# drop-in, or to -u and -g in its options.
slurmrestd_unit() {
  description='Slurm REST daemon' condition=/etc/slurm/slurm.conf
  wait="$network slurmctld.service"
  limits=$memory
  if since 24.05.0; then
    start="\$${upper}_OPTIONS"
    environment='Environment=SLURM_JWT=daemon
Environment=SLURMRESTD_LISTEN=:6820'
  else
    start="\$${upper}_OPTIONS unix:/var/lib/slurmrestd.socket 0.0.0.0:6820"
    environment='Environment="SLURM_JWT=daemon"'
  fi
  ! since 25.05.0 || user=slurmrestd
  case $version in 25.11.[0-3]) ;; *) ! since 25.05.7 || reload='' ;; esac
}

# Takes a file of the stage down for a place outside the prefix.
# usage: plan_file FILE DESTINATION
plan_file() {
  if [ -e "$2" ] || [ -L "$2" ]; then die "$2 exists; it is not overwritten"; fi
  sum=$(sha256sum <"$1")
  printf '%s %s %s\n' "${sum%% *}" "$2" "$1" >>"$stage/plan"
}

plan_modules() {
  pattern=$(printf '%s' "$default_prefix" | sed 's/\./\\./g')
  for file in "lmod/slurm/$module.lua" "tcl/slurm/$module"; do
    tar -xzOf - "modulefiles/$file" <"$dir/$target-modules.tar.gz" >"$stage/module" ||
      die "$target-modules.tar.gz could not be unpacked"
    grep -qF -e "$default_prefix" "$stage/module" || die "$file does not name $default_prefix"
    sed "s|$pattern|$prefix|g" "$stage/module" >"$stage/module.${file%%/*}"
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

# Puts the planned files in their places, each whole and under a new inode that the journal knows, then the tree
# in its own: the last step is one rename.
commit() {
  while read -r sum path file; do
    note_folders "${path%/*}"
    mkdir -p "${path%/*}" || die "${path%/*} could not be made"
    temporary=${path%/*}/.${path##*/}.partial.$id
    say "temporary $temporary" >>"$stage/journal"
    (set -C && cat "$file" >"$temporary") || die "no file can be written in ${path%/*}"
    inode=$(stat -c %d:%i "$temporary")
    say "file $sum $path $inode" >>"$stage/journal"
    # A link is made where nothing is, and never follows one. Some file systems know only renames.
    ln "$temporary" "$path" 2>/dev/null || mv -nT "$temporary" "$path" || :
    if [ -L "$path" ] || [ "$(stat -c %d:%i "$path" 2>/dev/null)" != "$inode" ]; then
      die "$path could not be made"
    fi
    rm -f "$temporary"
  done <"$stage/plan"
  {
    say "# Written by slurm-factory; \`$target-install.sh --uninstall\` reads it."
    say "target $target"
    say "prefix $prefix"
    sed -e 's/^/file /' -e 's/ [^ ]*$//' "$stage/plan"
    grep '^folder ' "$stage/journal" | sort -ru || :
    sed 's/^/entry /' "$stage/list"
  } >"$stage/record"
  mv -T "$stage/record" "$stage/tree/$record_name"
  # An empty folder may be there. Not every mv puts one in its place.
  mv -T "$stage/tree" "$prefix" 2>/dev/null || { rmdir "$prefix" && mv -T "$stage/tree" "$prefix"; } ||
    die "$prefix could not be put in place"
}

say_packages() {
  at=$prefix/packages/modulefiles
  core=/Core
  [ -d "$at/lmod$core" ] || core=''
  say "further packages: module use $at/lmod$core (Lmod) or $at/tcl (Environment Modules)"
}

install() {
  if [ -z "$dir" ]; then dir=$(cd -- "$(dirname -- "$0")" && pwd); fi
  if [ -n "$modules" ]; then
    verify "$target-software.tar.gz" "$target-modules.tar.gz"
  else
    verify "$target-software.tar.gz"
  fi
  anchor=${prefix%/*}
  anchor=$(existing "${anchor:-/}")
  [ ! -d "$anchor" ] || recover
  require_usable_prefix
  if ! check; then
    [ -n "$force" ] || die "Slurm would not run here; nothing was installed (--force installs it anyway)"
    note "warning: Slurm will not run before that is done"
  fi

  trap clean_up EXIT
  trap '' HUP INT QUIT PIPE TERM
  open_installation
  for signal in 1:HUP 2:INT 3:QUIT 13:PIPE 15:TERM; do
    # shellcheck disable=SC2064 # the number is meant now
    trap "exit $((128 + ${signal%:*}))" "${signal#*:}"
  done
  printf '#!/bin/sh\n' >"$stage/probe"
  chmod 755 "$stage/probe"
  "$stage/probe" || die "programs can't be started in ${parent:-/}: is it mounted noexec?"
  unpack_tree
  : >"$stage/plan"
  [ -z "$modules" ] || plan_modules
  [ -z "$units" ] || plan_units
  # From here on it is a few small files and a rename: a signal comes too late.
  trap '' HUP INT QUIT PIPE TERM
  commit
  {
    say "$target is in $prefix"
    [ -z "$modules" ] || say "modules: module use $modules/lmod (Lmod) or $modules/tcl (Environment Modules)"
    [ ! -d "$prefix/packages/modulefiles" ] || say_packages
    [ -z "$units" ] || say "units: systemctl daemon-reload, then systemctl enable --now those this machine runs"
    [ ! -d "$prefix/etc" ] || say "configuration: the examples in $prefix/etc; docs/cluster.md goes from here to a cluster"
  } || :
}

# --- uninstalling

# Copies a record to the stage, without what the module files and units of another copy of the tree are.
# usage: read_record RECORD
read_record() {
  awk -F "$tab" '
    function plain(path) { return path ~ /^\/[A-Za-z0-9\/._+@-]+$/ && inside(path) }
    function inside(path) { return "/" path "/" !~ /\/\.\.?\// }
    /^#/ || /^target [a-z0-9.-]+$/ { next }
    { split($0, word, " ") }
    /^(prefix|folder) [^ ]+$/ && plain(word[2]) { next }
    /^file [0-9a-f]+ [^ ]+$/ && length(word[2]) == 64 && plain(word[3]) { next }
    /^entry (file|folder|link)\t[0-7]+\t[^\t]+\t[^\t\/][^\t]*$/ && inside($4) { entries++; next }
    { exit 1 }
    END { if (!entries) exit 1 }' <"$1" >/dev/null ||
    die "$1 is damaged, or was written by an older version of this script: uninstall with the script that installed it"
  recorded=$(sed -n 's/^prefix //p' "$1")
  if [ -f "$recorded/$record_name" ] && [ "$(cd -P "$recorded" && pwd -P)" != "$here" ]; then
    note "$prefix is a copy of $recorded; the module files and units of that one stay"
    sed -e '/^file /d' -e '/^folder /d' "$1" >"$stage/record.new"
  else
    cat "$1" >"$stage/record.new"
  fi
  mv -T "$stage/record.new" "$stage/record"
  sed -n 's/^entry //p' "$stage/record" >"$stage/list"
}

# Says what stays, of a list that `compare` has made.
say_left() {
  tr -c '\n\t -~' '?' <"$1" | while IFS=$tab read -r how _ path; do
    case $how in changed | added) note "left: $prefix/$path was $how" ;; esac
  done
}

# Moves what is unchanged into the stage, and leaves the rest where it is. The library that all programs need goes
# first, so that from then on none starts.
move_own() {
  mkdir "$stage/tree"
  awk -F "$tab" '$1 == "same" && $2 != "folder" { print $3 }' "$stage/differences" >"$stage/own"
  if grep -qx 'lib/slurm/libslurmfull\.so' "$stage/own"; then
    mkdir -p "$stage/tree/lib/slurm"
    mv "$prefix/lib/slurm/libslurmfull.so" "$stage/tree/lib/slurm" || die "nothing can be moved out of $prefix"
  fi
  sed -e '/\//!s|.*|.|' -e 's|/[^/]*$||' "$stage/own" | sort -u >"$stage/above"
  # Programs go before what they load.
  { grep -xE 's?bin' "$stage/above" || :; } >"$stage/folders"
  { grep -vxE 's?bin' "$stage/above" || :; } >>"$stage/folders"
  while read -r folder; do
    mkdir -p "$stage/tree/$folder"
    # shellcheck disable=SC2016 # the inner shell's
    awk -v folder="$folder" '{ above = "."; name = $0 }
      match($0, /.*\//) { above = substr($0, 1, RLENGTH - 1); name = substr($0, RLENGTH + 1) }
      above == folder && $0 != "lib/slurm/libslurmfull.so" { print "./" name }' "$stage/own" | tr '\n' '\0' |
      (cd -P "$prefix/$folder" && xargs -0 -r sh -c 'exec mv -- "$@" "$0"' "$stage/tree/$folder") ||
      die "some files could not be moved out of $prefix/$folder"
  done <"$stage/folders"
  prune "$prefix"
  rm -f "$prefix/$record_name"
  rmdir "$prefix" 2>/dev/null || :
}

# Removes the folders of the stage's list that are empty.
prune() {
  awk -F "$tab" '$1 == "same" && $2 == "folder" { print "./" $3 }' "$stage/differences" | sort -r | tr '\n' '\0' |
    (cd -P "$1" && xargs -0 -r rmdir 2>/dev/null) || :
}

# Moves what lies in a folder to where nothing is in another.
put_back() {
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    to=$2/${entry##*/}
    if [ ! -e "$to" ] && [ ! -L "$to" ]; then
      mv -T "$entry" "$to" || return 1
    elif [ -d "$entry" ] && [ ! -L "$entry" ] && [ -d "$to" ] && [ ! -L "$to" ]; then
      (put_back "$entry" "$to") && rmdir "$entry" || return 1
    else
      return 1
    fi
  done
}

# Finishes an uninstallation whose folder has the record, once the tree is out of its place.
finish_removal() {
  stage=$1
  if [ ! -f "$stage/record" ] || { [ ! -d "$stage/tree" ] && [ -e "$prefix/$record_name" ]; }; then
    discard "$stage"
    return 0
  fi
  sed -n 's/^file //p' "$stage/record" | while read -r sum path; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
    if [ -L "$path" ] || [ ! -f "$path" ] || [ "$(sha256sum <"$path")" != "$sum  -" ]; then
      note "left: $path was changed"
      continue
    fi
    rm -f "$path" || note "left: $path could not be removed"
  done
  [ ! -d "$stage/tree" ] || remove_tree
  close_stage "$stage" record
}

# Removes what is unchanged of the tree in the stage. What came into it in the last moment goes back to its place.
remove_tree() {
  sed -n 's/^entry //p' "$stage/record" >"$stage/list"
  compare "$stage/tree" "$stage/list" "$stage" >"$stage/differences"
  awk -F "$tab" '$1 == "same" && $2 != "folder" { print "./" $3 }' "$stage/differences" | tr '\n' '\0' |
    (cd -P "$stage/tree" && xargs -0 -r rm -f)
  rm -f "$stage/tree/$record_name"
  prune "$stage/tree"
  ! rmdir "$stage/tree" 2>/dev/null || return 0
  say_left "$stage/differences"
  if [ -d "$prefix" ]; then
    put_back "$stage/tree" "$prefix" && rmdir "$stage/tree"
  else
    mv -T "$stage/tree" "$prefix"
  fi || die "$stage/tree has files that this script did not install; they could not be put back"
}

uninstall() {
  if [ -L "$prefix" ]; then die "$prefix is a symbolic link; name the folder itself"; fi
  anchor=${prefix%/*}
  anchor=$(existing "${anchor:-/}")
  recover
  record=$prefix/$record_name
  if [ -L "$record" ] || [ ! -f "$record" ]; then
    [ -n "$recovered" ] || die "$prefix has no $record_name: not installed by this script"
    say "nothing that this script installed is left at $prefix"
    return 0
  fi
  [ "$(stat -c %u "$prefix" "$record" | sort -u)" = "$(id -u)" ] ||
    die "$prefix belongs to another user (uid $(stat -c %u "$record")): uninstall it as that user"
  here=$(cd -P "$prefix" && pwd -P)
  require_no_mounts "$here"
  its_target=$(target_of "$record")
  if [ -z "$force" ]; then
    [ "$its_target" = "$target" ] ||
      die "$prefix holds $its_target, but this is the script of $target: use the script of that target, or give --force"
    require_idle "$here"
  fi
  trap '' HUP INT QUIT PIPE TERM
  open_folder "$prefix.removed.$id" || die "$prefix.removed.$id could not be made"
  stage=$prefix.removed.$id
  trap 'rm -rf "$stage"' EXIT
  read_record "$record"
  compare "$prefix" "$stage/list" "$stage" >"$stage/differences"
  trap - EXIT
  if grep -q -e "^changed$tab" -e "^added$tab" "$stage/differences"; then
    say_left "$stage/differences"
    move_own
  else
    # Gone at once, so that nobody starts half a tree.
    mv -T "$prefix" "$stage/tree" || { discard "$stage" && die "$prefix could not be moved away"; }
  fi
  finish_removal "$stage"
  if [ -e "$prefix" ]; then
    say "$its_target is removed; what is left at $prefix was not installed by this script"
  else
    say "$prefix is removed"
  fi
}

# --- what is installed: type, mode, sum or target of a link, path

contents='@CONTENTS@'

case $mode in
  install) install ;;
  check) check ;;
  uninstall) uninstall ;;
esac
