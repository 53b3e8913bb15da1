import type { Toolchain } from '../../src/targets/toolchains.js';
import { imagePackages } from '../../src/targets/toolchains.js';

/**
 * A distribution of RPM's world out of small packages: a Debian image with real rpm and dnf, and repositories with
 * packages that have the names of a toolchain's and hardly anything in them.
 */

/** Version and epoch of a package as it is made here. */
export const versionOf = (name: string): string => `1.${[...name].length}.3`;
export const epochOf = (name: string): string | undefined => (name === 'mariadb-server' ? '3' : undefined);
export const releaseTag = '4.el';

/** What the base image has of itself, as Rocky's has: small stand-ins for curl and its library. */
export const atFirst = ['curl-minimal', 'glibc', 'libcurl-minimal'] as const;

/** Repositories by where a toolchain's packages are to be had from; those of `enabled` are off at first. */
const epel = /^(Lmod|ccache|libjwt|patchelf)/;
const crb = /^(hwloc|http-parser|json-c|libyaml|lua|munge|pmix)-devel$/;
export const repositoryOf = (name: string): 'base' | 'crb' | 'epel' =>
  epel.test(name) ? 'epel' : crb.test(name) ? 'crb' : 'base';

/** All packages that a toolchain names, and what its distribution has besides. */
export const worldPackages = (toolchain: Toolchain): string[] =>
  [
    ...new Set([
      ...imagePackages(toolchain),
      ...toolchain.dependencies.flatMap(({ runtime }) => runtime ?? []),
      ...toolchain.repositories.packages,
      ...toolchain.smoke.packages,
      ...atFirst,
      'glibc-devel',
    ]),
  ].sort();

/** Libraries by the package that has them; the loader finds them in /usr/lib64. */
export function librariesOf(toolchain: Toolchain): Map<string, string> {
  const stems: Readonly<Record<string, string>> = {
    'json-c': 'libjson-c',
    libyaml: 'libyaml-0',
    libcurl: 'libcurl',
  };
  return new Map(
    toolchain.dependencies.flatMap(({ runtime }) => {
      const stem = runtime === undefined ? undefined : stems[runtime];
      const soname = stem && toolchain.systemLibraries.find((name) => name.startsWith(`${stem}.so`));
      return runtime === undefined || soname === undefined ? [] : [[runtime, soname] as const];
    }),
  );
}

/** One spec file that makes all packages. */
export function specOf(toolchain: Toolchain): string {
  const libraries = librariesOf(toolchain);
  const packages = worldPackages(toolchain);
  const lines = packages.map((name) => {
    const soname = libraries.get(name.replace(/-minimal$/, ''));
    const files = soname === undefined ? [] : [`/usr/lib64/${soname}`, '%license COPYING'];
    if (name === 'epel-release') files.push('%config(noreplace) /etc/yum.repos.d/epel.repo');
    const epoch = epochOf(name);
    const runtime = toolchain.dependencies.find((item) => item.package === name)?.runtime;
    const relations = {
      'libcurl-minimal': `Provides: libcurl = ${versionOf('libcurl')}\nConflicts: libcurl`,
      'curl-minimal': 'Requires: libcurl-minimal',
      gcc: 'Requires: glibc-devel',
      // Only recommended, and in no repository's way: nothing may bring it.
      munge: 'Recommends: strange-thing',
    }[name];
    const needs = runtime === undefined ? [] : [`Requires: ${runtime}`];
    return [
      `%package -n ${name}`,
      `Summary: ${name}`,
      `Version: ${versionOf(name)}`,
      'AutoReqProv: no',
      ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
      ...(relations === undefined ? needs : [relations]),
      `%description -n ${name}`,
      'A stand-in.',
      `%files -n ${name}`,
      ...files,
    ].join('\n');
  });
  const sonames = [...new Set(libraries.values())].map(
    (soname) => `gcc -shared -Wl,-soname,${soname} -o %{buildroot}/usr/lib64/${soname} library.c`,
  );
  return `%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
Name: world
Version: 1
Release: ${releaseTag}${toolchain.os.version}
Summary: Stand-ins
License: MIT
AutoReqProv: no
%description
Stand-ins.
%prep
echo 'int %{name}_function(void) { return 0; }' >library.c
echo 'The licence of a stand-in.' >COPYING
%install
mkdir -p %{buildroot}/usr/lib64 %{buildroot}/etc/yum.repos.d
cp /world/epel.repo %{buildroot}/etc/yum.repos.d/
${sonames.join('\n')}
%package -n strange-thing
Summary: strange
%description -n strange-thing
A stand-in.
%files -n strange-thing
${lines.join('\n')}
`;
}

const repository = (name: string, enabled: boolean): string =>
  `[${name}]\nname=${name}\nbaseurl=file:///world/${name}\nenabled=${enabled ? 1 : 0}\ngpgcheck=0\n`;

/** Files of the base image's build context. */
export function worldFiles(toolchain: Toolchain): Record<string, string> {
  const [off = 'crb'] = toolchain.repositories.enabled;
  const move = worldPackages(toolchain)
    .filter((name) => repositoryOf(name) !== 'base')
    .map((name) => `mv /world/base/${name}-[0-9]*.rpm /world/${repositoryOf(name)}/`);
  return {
    'world.spec': specOf(toolchain),
    'epel.repo': repository('epel', true),
    'world.repo': `${repository('base', true)}${repository(off, false).replace(`/world/${off}`, '/world/crb')}`,
    'make-world.sh': `set -eu
rpmbuild -bb --define '_topdir /tmp/rpmbuild' --define '_dbpath /var/lib/rpm' /world/world.spec >/tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
mkdir -p /world/base /world/crb /world/epel
find /tmp/rpmbuild/RPMS -name '*.rpm' -exec mv {} /world/base/ ';'
${move.join('\n')}
for name in base crb epel; do createrepo_c --quiet "/world/$name"; done
mkdir -p /etc/yum.repos.d && cp /world/world.repo /etc/yum.repos.d/
# A repository of what was installed, which Debian's dnf comes with, is none of these.
printf '[main]\\nenabled=0\\n' >/etc/dnf/plugins/local.conf
printf '[main]\\ngpgcheck=0\\nbest=True\\n' >/etc/dnf/dnf.conf
mkdir -p /etc/dnf/vars && echo ${toolchain.os.version} >/etc/dnf/vars/releasever
echo /usr/lib64 >/etc/ld.so.conf.d/world.conf
dnf install --assumeyes --quiet ${atFirst.join(' ')}
rm -rf /tmp/rpmbuild /tmp/log
`,
  };
}

/** Debian's rpm, dnf and the programs that a build has in a builder image: those of the packages are stand-ins. */
export const worldTools = `FROM debian:bookworm
RUN apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates createrepo-c dnf \\
      dnf-plugins-core gcc libc6-dev patchelf python3 python3-venv rpm \\
 && ln -s /usr/bin/python3 /usr/local/bin/python3.12 \\
 && rm -rf /var/lib/apt/lists/*
`;
