#!/bin/sh
# Fetches the tarballs of Slurm that fit this machine, checks them and says what comes next; written by slurm-factory.
#
#   curl -fsSL ADDRESS/get.sh | sh
#   curl -fsSL ADDRESS/get.sh | sh -s -- 24.11 --prefix /opt/slurm
#
# `--help` says more. It wants curl or wget, sha256sum, awk, and gpgv or gpg where signatures are to be checked.

# All of it is within functions: of a script that came in half nothing is run.
set -eu
LC_ALL=C
export LC_ALL

name='@NAME@'
# Where the files are; empty where that was not known.
downloads='@DOWNLOADS@'
# Of the key that SHA256SUMS is signed with; empty where it is not signed.
signer='@FINGERPRINT@'

# A target a line, the better of two first: identifier, release of Slurm, processor, oldest glibc, distribution and
# its version, kind of GPU, sha256 of its list of sums. A dash stands for what it has none of.
targets() {
  cat <<'TARGETS'
@TARGETS@
TARGETS
}

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
die() {
  note "error: $*"
  exit 1
}
misuse() {
  note "error: $*"
  note "--help says what there is."
  exit 2
}

help() {
  cat <<TEXT
Fetches the tarballs of Slurm that fit this machine from the release $name.

  sh get.sh [RELEASE] [--gpu KIND] [--target TARGET] [--dir D] [--prefix P] [--from F] [--key K] [--fingerprint X]
  sh get.sh --list

  RELEASE          24.11.6, or 24.11 for the newest of it that fits; the newest of all without it
  --gpu KIND       none, cuda, rocm, oneapi or all; what this machine's drivers ask for without it
  --target TARGET  this one, whatever the machine is
  --dir D          folder for the files, made where it is not there (the target's name)
  --prefix P       also install at P, as install.sh does it
  --from F         address or folder that has the files${downloads:+ ($downloads)}
  --key K          file with the public key that SHA256SUMS must be signed with
  --fingerprint X  fingerprint of that key
  --list           say what the release has, and what this machine is

The sums of what is fetched stand in this script, which is as good as the way that it came. A signature says who made
the files: give --key or --fingerprint from another source.

Exit codes: 0 done; 1 nothing fits, or failed; 2 wrong arguments.
TEXT
}

arguments() {
  release='' gpu='' target='' dir='' prefix='' from='' key='' fingerprint='' list=''
  while [ $# -gt 0 ]; do
    case $1 in
      --gpu=* | --target=* | --dir=* | --prefix=* | --from=* | --key=* | --fingerprint=*)
        option=${1%%=*} value=${1#*=}
        shift
        set -- "$option" "$value" "$@"
        ;;
    esac
    case $1 in
      --gpu | --target | --dir | --prefix | --from | --key | --fingerprint)
        if [ $# -lt 2 ] || [ -z "$2" ]; then misuse "$1 needs a value"; fi
        case $1 in
          --gpu) gpu=$2 ;;
          --target) target=$2 ;;
          --dir) dir=$2 ;;
          --prefix) prefix=$2 ;;
          --from) from=${2%/} ;;
          --key) key=$2 ;;
          --fingerprint) fingerprint=$(say "$2" | tr -d ' :' | tr 'a-f' 'A-F') ;;
        esac
        shift 2
        ;;
      --list) list=yes && shift ;;
      --help | -h)
        help
        exit 0
        ;;
      -*) misuse "unknown: '$1'" ;;
      *)
        [ -z "$release" ] || misuse "unknown: '$1'"
        release=$1
        shift
        ;;
    esac
  done
  case $gpu in
    '' | none | cuda | rocm | oneapi | all) ;;
    *) misuse "'$gpu' is no kind of GPU; there are none, cuda, rocm, oneapi and all" ;;
  esac
  case $release in
    '' | latest) release='' ;;
    *[!0-9.]*) misuse "'$release' is no release of Slurm" ;;
  esac
  if [ -z "$from" ]; then
    from=${downloads%/}
    # Beside the files, once they were all fetched.
    case $0 in
      get.sh | */get.sh)
        beside=$(dirname -- "$0")
        [ ! -f "$beside/SHA256SUMS" ] || from=$beside
        ;;
    esac
  fi
  if [ -n "$key" ] && [ ! -r "$key" ]; then misuse "the key $key can't be read"; fi
}

# --- this machine

look_around() {
  machine=$(uname -m)
  case $machine in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
    *) arch=$machine ;;
  esac
  glibc=$({ getconf GNU_LIBC_VERSION || ldd --version; } 2>/dev/null | sed -n '1s/.*[^0-9.]\([0-9][0-9]*\.[0-9.]*\)$/\1/p') || :
  # shellcheck disable=SC1091 # the machine's own
  system=$(
    ID='' VERSION_ID=''
    [ ! -r /etc/os-release ] || . /etc/os-release
    printf '%s %s' "${ID:--}" "${VERSION_ID:--}"
  )
  drivers=''
  [ ! -e /dev/nvidiactl ] || drivers="$drivers cuda"
  [ ! -e /dev/kfd ] || drivers="$drivers rocm"
  for vendor in /sys/class/drm/renderD*/device/vendor; do
    if [ -r "$vendor" ] && [ "$(cat "$vendor")" = 0x8086 ]; then
      drivers="$drivers oneapi"
      break
    fi
  done
  drivers=${drivers# }
}

# usage: about_machine
about_machine() {
  say "$arch, ${glibc:+glibc $glibc, }$system, ${drivers:-no} GPU driver"
}

# --- what fits

# Prints the target that fits best, or a reason a line behind a tab.
choose() {
  case $gpu in
    ?*) kinds=$gpu ;;
    *) kinds="$drivers${drivers:+ all} none cuda rocm oneapi all" ;;
  esac
  targets | awk -v release="$release" -v arch="$arch" -v glibc="$glibc" -v here="$system" -v kinds="$kinds" \
    -v gpu="$gpu" -v only="$target" '
    function older(a, b, x, y) {
      split(a, x, "."); split(b, y, ".")
      return x[1] + 0 < y[1] + 0 || (x[1] + 0 == y[1] + 0 && x[2] + 0 < y[2] + 0)
    }
    function is_system(id, version, words) {
      split(here, words, " ")
      return words[1] == id && (words[2] == version || index(words[2], version ".") == 1)
    }
    function unfit(reason) { sub(/^ /, "", reason); reasons[++count] = $1 "\t" reason }
    BEGIN { number = split(kinds, order, " "); for (i = number; i > 0; i--) rank[order[i]] = i }
    only != "" { if ($1 == only) { print; found = 1; exit }; next }
    release != "" && $2 != release && index($2, release ".") != 1 { next }
    {
      asked = 1
      if (gpu != "" && $7 != gpu) { unfit("it is for GPU: " $7); next }
      if ($3 != arch) { unfit("it is for " $3 ", this is " arch); next }
      if ($4 != "-" && glibc == "") { unfit("it needs glibc " $4 ", and this machine has none"); next }
      if ($4 != "-" && older(glibc, $4)) { unfit("it needs glibc " $4 ", this machine has " glibc); next }
      if ($4 == "-" && !is_system($5, $6)) { unfit("it is for " $5 " " $6 ", this is " here); next }
      if (!($2 in versions)) versions[$2] = ++seen
      worth = versions[$2] * 100 + rank[$7]
      if (!found || worth < best) { found = 1; best = worth; line = $0 }
    }
    END {
      if (only != "") { if (!found) print "\t" only " is not in this release"; exit }
      if (found) { print line; exit }
      if (!asked) print "\tthe release has no Slurm " release
      for (i = 1; i <= count && i <= 20; i++) { split(reasons[i], pair, "\t"); print "\t" pair[1] ": " pair[2] }
      if (count > 20) print "\tand " count - 20 " more"
    }'
}

# --- fetching

# usage: fetch NAME FILE
fetch() {
  case $from in
    http://* | https://*)
      if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --connect-timeout 20 --retry 3 --output "$2" "$from/$1" || return 1
      else
        wget --quiet --timeout=20 --tries=3 --output-document="$2" "$from/$1" || return 1
      fi
      ;;
    *) cp -- "$from/$1" "$2" || return 1 ;;
  esac
}

require() {
  [ -n "$from" ] || misuse "say where the files are with --from"
  case $from in
    http://* | https://*)
      command -v curl >/dev/null || command -v wget >/dev/null || die "neither curl nor wget is installed"
      ;;
    *) [ -d "$from" ] || die "there is no folder $from" ;;
  esac
  command -v sha256sum >/dev/null || die "sha256sum is not installed"
}

sum_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

# --- whose files they are

# A key without its armor, as gpgv takes it.
# usage: without_armor FILE
without_armor() {
  if grep -q -e '^-----BEGIN PGP PUBLIC KEY BLOCK-----' "$1"; then
    tr -d '\r' <"$1" | sed -e '1,/^ *$/d' -e '/^=/,$d' -e '/^-----END/,$d' | base64 -d
  else
    cat "$1"
  fi
}

# What gpgv or gpg says of the signature, by the key and no other; nothing for one that is not good.
signature_state() {
  mkdir -m 700 "$work/gpg"
  weak='--weak-digest MD5 --weak-digest SHA1 --weak-digest RIPEMD160'
  if command -v gpgv >/dev/null && command -v base64 >/dev/null; then
    without_armor "$work/key" >"$work/key.gpg" 2>/dev/null || return 0
    # shellcheck disable=SC2086 # a word each
    gpgv --homedir "$work/gpg" --status-fd 1 $weak --keyring "$work/key.gpg" \
      "$work/SHA256SUMS.asc" "$work/SHA256SUMS" 2>/dev/null || say failed
    return
  fi
  # No agent is needed for a public key, and not every machine has one.
  set -- gpg --homedir "$work/gpg" --no-options --no-autostart --batch --no-tty --status-fd 1
  "$@" --import -- "$work/key" >/dev/null 2>&1 || return 0
  # shellcheck disable=SC2086
  "$@" $weak --trust-model always --verify -- "$work/SHA256SUMS.asc" "$work/SHA256SUMS" 2>/dev/null || say failed
}

# Checks the signature of SHA256SUMS, where somebody is to be seen by it.
check_signature() {
  wanted=$fingerprint
  if [ -z "$signer" ]; then
    [ -z "$key$fingerprint" ] || die "$name is not signed, so nothing shows who made it"
    note "$name is not signed: its sums show damage, not who made the files"
    return
  fi
  if ! command -v gpgv >/dev/null && ! command -v gpg >/dev/null; then
    [ -z "$key$fingerprint" ] || die "neither gpgv nor gpg is installed, and the signature can't be checked without"
    note "neither gpgv nor gpg is installed, so the signature was not checked"
    return
  fi
  fetch SHA256SUMS "$work/SHA256SUMS" || die "SHA256SUMS could not be fetched from $from"
  fetch SHA256SUMS.asc "$work/SHA256SUMS.asc" || die "SHA256SUMS.asc could not be fetched from $from"
  if [ -n "$key" ]; then
    cp -- "$key" "$work/key"
  else
    fetch signing-key.asc "$work/key" || die "signing-key.asc could not be fetched from $from"
    wanted=${wanted:-$signer}
  fi
  state=$(signature_state)
  its=$(say "$state" | sed -n 's/^\[GNUPG:\] VALIDSIG .* \([0-9A-F]*\)$/\1/p')
  case $state in
    *failed) its='' ;;
  esac
  [ -n "$its" ] || die "the signature of SHA256SUMS is not good: do not use these files"
  if [ -n "$wanted" ] && [ "$its" != "$wanted" ]; then
    die "SHA256SUMS is signed with the key $its, not with $wanted: do not use these files"
  fi
  grep -qxF -e "$sum  $target-SHA256SUMS" "$work/SHA256SUMS" ||
    die "SHA256SUMS has another sum of $target-SHA256SUMS than this script: do not use these files"
  say "signed with the key $its"
  [ -n "$key$fingerprint" ] || note "that key came with the files: compare its fingerprint with another source"
}

# --- all of it

get() {
  arguments "$@"
  look_around
  if [ -n "$list" ]; then
    targets | cut -d ' ' -f 1
    note "this machine: $(about_machine)"
    return
  fi
  line=$(choose)
  case $line in
    slurm-*) ;;
    *)
      note "nothing in $name fits this machine ($(about_machine)):"
      say "$line" | cut -f 2- | sed 's/^/  /' >&2
      exit 1
      ;;
  esac
  target=${line%% *} sum=${line##* }
  require
  dir=${dir:-$target}
  mkdir -p -- "$dir" || die "$dir can't be made"
  dir=$(cd -P -- "$dir" && pwd -P)
  work=$(mktemp -d "$dir/.get.XXXXXX") || die "$dir can't be written"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  say "$target fits this machine ($(about_machine))"
  check_signature
  fetch "$target-SHA256SUMS" "$work/$target-SHA256SUMS" || die "$target-SHA256SUMS could not be fetched from $from"
  [ "$(sum_of "$work/$target-SHA256SUMS")" = "$sum" ] ||
    die "$target-SHA256SUMS is not the file that this release has: do not use it"
  for end in software.tar.gz modules.tar.gz install.sh; do
    file=$target-$end
    wanted=$(awk -v name="$file" '$2 == name { print $1 }' "$work/$target-SHA256SUMS")
    [ -n "$wanted" ] || die "$target-SHA256SUMS has no $file"
    if [ -f "$dir/$file" ] && [ "$(sum_of "$dir/$file")" = "$wanted" ]; then continue; fi
    say "fetching $file"
    fetch "$file" "$work/$file" || die "$file could not be fetched from $from"
    [ "$(sum_of "$work/$file")" = "$wanted" ] || die "$file does not match its sum: do not use it"
    mv -f -- "$work/$file" "$dir/$file"
  done
  chmod +x "$dir/$target-install.sh"
  mv -f -- "$work/$target-SHA256SUMS" "$dir/"
  say "all sums match: $dir"
  if [ -n "$prefix" ]; then
    sh "$dir/$target-install.sh" --prefix "$prefix"
    return
  fi
  say "next:"
  say "  sh $dir/$target-install.sh --check"
  say "  sh $dir/$target-install.sh --prefix /opt/slurm"
}

get "$@"
