#!/bin/sh
# Writes into the packages beside this script where they lie; written by slurm-factory.
#
# usage: relocate [PREFIX]
#
# PREFIX is the folder that `packages` lies in, or will lie in; without it, the one where it is now. What Spack
# built has such paths in texts and programs; relocate.list names these files. Run it again after a move. A run
# that was killed is finished by the next one: relocate.done has each path that may stand there now.
set -eu
LC_ALL=C
export LC_ALL
umask 022

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

here=$(cd -P -- "$(dirname -- "$0")" && pwd -P)
[ $# -le 1 ] || die "one PREFIX at most, not $#"
prefix=${1-${here%/*}}
case $prefix in
  *[!A-Za-z0-9/._+@-]*) die "PREFIX may only have the characters A-Z a-z 0-9 / . _ + @ - (no white space): '$prefix'" ;;
esac
case $prefix/ in
  /*/../* | /*/./* | /../* | /./*) die "PREFIX must not go through . or ..: $prefix" ;;
  /*) ;;
  *) die "PREFIX must be an absolute path: '$prefix'" ;;
esac
prefix=$(printf '%s\n' "$prefix" | sed -e 's|//*|/|g' -e 's|/$||')
new=$prefix/packages

list=$here/relocate.list
state=$here/relocate.done
# In programs there is room for so many characters.
width=$(sed -n '1s/^width	\([0-9][0-9]*\)$/\1/p' "$list")
[ -n "$width" ] || die "$list is damaged"
[ ${#new} -le "$width" ] ||
  die "the prefix has ${#prefix} characters, and programs have room for $((width - 9)): take a shorter one"
# A program's texts end with NUL, which not every sed leaves alone.
[ "$(printf 'a\0b' | sed 's/a/c/' | od -An -c | tr -d ' \n')" = 'c\0b' ] ||
  die "this sed can't change programs; install GNU sed, in front in PATH"

# What a path is padded with, to as many characters as there is room for.
# usage: pad PATH CHARACTER
pad() { printf '%s%*s' "$1" $((width - ${#1})) '' | sed "s| |$2|g"; }

# As the tarball has it. In two pieces, as it is not to be found here.
mark=/__slurm_factory
mark=$(pad "${mark}_packages__" _)
{ cat "$state" 2>/dev/null || printf '%s\n' "$mark"; } >"$state.new"
grep -qxF -e "$new" "$state.new" || printf '%s\n' "$new" >>"$state.new"
mv "$state.new" "$state"

# Words of a command: an expression for each path that may stand there now.
# usage: rewrite KIND EXPRESSION...
rewrite() {
  kind=$1
  shift
  sed -n "s/^$kind	/.\//p" "$list" | tr '\n' '\0' | (cd "$here" && xargs -0 -r sed -i "$@" --) ||
    die "not all files could be changed; run this again"
}

escaped() { printf '%s' "$1" | sed 's/\./\\./g'; }

set --
while read -r old; do
  [ "$old" = "$new" ] || set -- "$@" -e "s|$(escaped "$old")|$new|g"
done <"$state"
[ $# -eq 0 ] || rewrite text "$@"
set --
while read -r old; do
  [ "$old" = "$new" ] || set -- "$@" -e "s|$(escaped "$(pad "$old" /)")|$(pad "$new" /)|g"
done <"$state"
[ $# -eq 0 ] || rewrite binary "$@"

without=$(sed -n 's/^[a-z]*	\(.*\)/.\/\1/p' "$list" | sed 1d | tr '\n' '\0' | (cd "$here" && xargs -0 -r grep -LF -e "$new") || :)
[ -z "$without" ] || die "these files do not name $new: $without"
printf '%s\n' "$new" >"$state.new"
mv "$state.new" "$state"
