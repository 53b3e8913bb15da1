#!/usr/bin/env bash
# Runs README's commands on a machine that has nothing:
#   scripts/bare-machine.sh check|build|test|run COMMAND [--source-mirror FOLDER]
# The machine is a container of debian:bookworm with Node, git and certificates, a clone of this commit with the
# changes since, and its own Docker Engine once one is installed.
#   check  README's installation and npm install, which leave the tree as it was, the unit tests, a slow test that
#          needs no Docker, and one that skips without it. The rights that Docker needs are left out, and act,
#          which is slow to build, comes from here.
#   build  README's first command; a source mirror, for where archives can't be fetched, is added to it
#   test   README's second command: it installs everything and runs all tests
#   run    any other command, in the clone
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
usage() { sed -n '2,11p' "$0" | cut -c 3- >&2; exit 2; }

# The nth block of commands in README.
readme() { awk -v n="$1" '/^```$/ { on = 0 } on && i == n { print } /^```sh$/ { on = 1; i++ }' "$root/README.md"; }

what=${1-}
[ "$#" -gt 0 ] && shift
mirror='' docker_inside=yes command=''
while [ "$#" -gt 0 ]; do
  case "$1" in
    --source-mirror) mirror=$(realpath "$2"); shift 2 ;;
    *)
      if [ "$what" != run ] || [ -n "$command" ]; then usage; fi
      command=$1
      shift
      ;;
  esac
done
build=$(readme 1) tests=$(readme 2)
case "$what" in
  build) command="$build${mirror:+ --source-mirror /mirror}" ;;
  test) command=$tests ;;
  check)
    docker_inside=''
    command="${tests%% &&*} && npm install && git diff --exit-code --stat && npm run test:unit && npm run test:e2e -- integration/bundle e2e/smoke"
    ;;
  run) [ -n "$command" ] || usage ;;
  *) usage ;;
esac

scratch=$(mktemp -d)
name=slurm-factory-bare-$$
end() { docker rm --force --volumes "$name" >/dev/null 2>&1; rm -rf "$scratch"; }
trap end EXIT

# This commit as a clone, and what has changed since as one more commit.
git clone --quiet --no-local --depth 1 "file://$root" "$scratch/slurm-factory"
git -C "$root" diff --binary HEAD >"$scratch/changes"
if [ -s "$scratch/changes" ]; then
  git -C "$scratch/slurm-factory" apply --index "$scratch/changes"
  git -C "$scratch/slurm-factory" -c user.name=test -c user.email=test@localhost commit --quiet -m changes
fi

# In it no test starts another one.
options=(--env SLURM_FACTORY_TEST_BARE=0)
mount() { options+=(--mount "type=bind,source=$1,target=$2,readonly"); }
node=$(node -p process.execPath)
npm=$(dirname "$(dirname "$(realpath "$(command -v npm)")")")
mount "$(realpath "$node")" /usr/local/bin/node
mount "$npm" /usr/local/lib/node_modules/npm
mount "$scratch/slurm-factory" /origin
[ -z "$mirror" ] || mount "$mirror" /mirror

# Where git finds upstream repositories here, it finds them there.
printf '[safe]\n\tdirectory = *\n' >"$scratch/gitconfig"
while read -r key instead; do
  base=${key#url.}
  base=${base%.insteadof}
  printf '[url "%s"]\n\tinsteadOf = %s\n' "$base" "$instead" >>"$scratch/gitconfig"
  case "$base" in file://*) mount "${base#file://}" "${base#file://}" ;; esac
done < <(git config --includes --get-regexp '^url\..*\.insteadof$' || true)
mount "$scratch/gitconfig" /etc/gitconfig

# What a machine behind a proxy with its own certificate authority has.
if [ -n "${SSL_CERT_FILE-}" ]; then
  mount "$(realpath "$SSL_CERT_FILE")" /usr/local/share/ca-certificates/machine.crt
  options+=(--env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)
fi
for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  [ -z "${!variable-}" ] || options+=(--env "$variable")
done

# What a Docker Engine inside needs, with a network of its own for its bridge: every capability that this machine
# itself has (--privileged fails where it lacks one), devices and cgroups.
if [ -z "$docker_inside" ]; then
  options+=(--network host)
else
  capabilities=(CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
    SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE
    AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ)
  bounds=$((16#$(awk '/^CapBnd/ { print $2 }' /proc/self/status)))
  for number in "${!capabilities[@]}"; do
    if (((bounds >> number) & 1)); then options+=(--cap-add "${capabilities[number]}"); fi
  done
  options+=(--cgroupns private --device-cgroup-rule 'a *:* rwm' --mount 'type=volume,target=/var/lib/docker')
  for kind in seccomp apparmor systempaths; do options+=(--security-opt "$kind=unconfined"); done
fi

cat >"$scratch/machine.sh" <<'MACHINE'
set -eu
if [ "$1" = yes ]; then
  for folder in /sys/fs/cgroup /sys/fs/cgroup/*/; do
    if mountpoint -q "$folder"; then mount -o remount,bind,rw "$folder"; fi
  done
fi
for tool in npm npx; do ln -s "../lib/node_modules/npm/bin/$tool-cli.js" "/usr/local/bin/$tool"; done
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates git >/dev/null 2>&1
git clone --quiet /origin /root/slurm-factory
cd /root/slurm-factory
echo "bare machine: node $(node --version), npm $(npm --version), $(git --version)" >&2
printf 'bare machine: %s\n' "$2" >&2
exec bash -euc "$2"
MACHINE
mount "$scratch/machine.sh" /machine.sh

found=$(bash "$root/scripts/prepare-e2e.sh")
act=$(sed -n 's/^act //p' <<<"$found")
[ -n "$docker_inside" ] || [ -z "$act" ] || mount "$act" /usr/local/bin/act
# In the background, so that a signal to this script ends the machine too.
docker run --rm --init --name "$name" "${options[@]}" debian:bookworm bash /machine.sh "$docker_inside" "$command" &
trap 'end; exit 143' INT TERM
wait "$!"
