#!/bin/sh
# Copies a root of glibc, a shell, coreutils and what install.sh starts, with PAM and udev's libraries, out of a
# Debian: small-root.sh FOLDER
set -eu
to=$1
copy() {
  for path in "$@"; do
    folder=$(readlink -f "$(dirname "$path")")
    name=$(basename "$path")
    [ -e "$folder/$name" ] && [ ! -d "$folder/$name" ] || continue
    mkdir -p "$to$folder"
    cp -P "$folder/$name" "$to$folder/"
    [ ! -h "$folder/$name" ] || copy "$(readlink -f "$folder/$name")"
  done
}
library() { ldconfig -p | awk -v name="$1" '$1 == name { print $NF; exit }'; }

# Debian has no /lib64 on arm64.
for link in /bin /sbin /lib /lib64; do [ ! -h $link ] || cp -P $link "$to/"; done
mkdir -p "$to/tmp" "$to/var/tmp" "$to/run" "$to/proc" "$to/dev" "$to/srv" "$to/root"
# shellcheck disable=SC2046 # a word each
copy $(dpkg -L libc6 libc-bin bash coreutils) /etc/os-release /etc/passwd /etc/group /etc/alternatives/awk \
  $(for name in sh awk find grep gzip sed tar xargs; do command -v $name; done) \
  "$(library libpam.so.0)" "$(library libpam_misc.so.0)" "$(library libudev.so.1)"
find "$to" -type f -exec ldd {} + 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
  while read -r path; do copy "$path"; done
