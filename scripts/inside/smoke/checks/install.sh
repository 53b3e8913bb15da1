# shellcheck shell=bash
# The machine, the files and what lies in them.

check_no_compilers() {
  local tool
  for tool in cc gcc g++ c++ clang as ld make; do
    ! command -v "$tool" || fail "the container has $tool"
  done
  [ ! -e /opt/slurm-factory ] || fail 'the container has folders of the build'
  echo 'none'
}

installer() { echo "$SMOKE_FILES/$SMOKE_TARGET-install.sh"; }

check_install() {
  local version
  if [ -f "$(installer)" ]; then
    sh "$(installer)" --prefix "$SMOKE_PREFIX" --dir "$SMOKE_FILES" --modules "$SMOKE_MODULES"
  else
    mkdir -p "$SMOKE_PREFIX" "$SMOKE_MODULES"
    tar -xzf "$SMOKE_FILES/$SMOKE_TARGET-software.tar.gz" -C "$SMOKE_PREFIX" --strip-components=1
    [ ! -f "$SMOKE_PREFIX/packages/relocate" ] || sh "$SMOKE_PREFIX/packages/relocate"
    tar -xzf "$SMOKE_FILES/$SMOKE_TARGET-modules.tar.gz" -C "$SMOKE_MODULES" --strip-components=1
  fi
  version=$("$SMOKE_PREFIX/sbin/slurmd" -V)
  case $version in
    "slurm $(slurm_version)") ;;
    # Of what is no release, such as 26.11.0-0rc1.
    "slurm $(slurm_version)-"*) [ "$(slurm_version)" != "$(target_version)" ] || fail "slurmd -V says '$version'" ;;
    *) fail "slurmd -V says '$version'" ;;
  esac
  echo "$version at $SMOKE_PREFIX"
}

check_libraries() {
  need install
  local missing
  # Of a script ldd says that it is no program, and fails.
  missing=$({ find "$SMOKE_PREFIX" -type f \( -perm -u+x -o -name '*.so*' \) -exec ldd {} + 2>&1 || true; } |
    awk '/^[^ \t].*:$/ { file = $0 } /not found/ { print file, $0 }')
  [ -z "$missing" ] || fail "$missing"
  echo 'all found'
}

check_build_prefix() {
  need install
  local found
  [ -n "$SMOKE_FORBIDDEN" ] || fail 'no text to look for was given'
  found=$(grep -rlF -- "$SMOKE_FORBIDDEN" "$SMOKE_PREFIX" "$SMOKE_MODULES") || [ $? -eq 1 ]
  [ -z "$found" ] || fail "the build's prefix is in $(echo "$found" | head -n 20)"
  echo 'in no file'
}
