import { aptSecurity } from './apt-security.js';
import { type Command, type Distro, fields, longestName, withoutArch } from './distro.js';

// No option, path, pattern or, as `name-` for apt-get, a package to remove.
const names = /^[a-z0-9][a-z0-9.+-]*[a-z0-9.+]$/;

const install = ['apt-get', 'install', '--yes', '--no-install-recommends'] as const;

const query = (format: string, packages: readonly string[]): Command => [
  'dpkg-query',
  '--show',
  '--showformat',
  format,
  ...packages,
];

const known = fields(
  '${Package}',
  '',
  '${Version}',
  '${Architecture}',
  '${source:Package} ${source:Version}',
);

/** Debian and its like: apt and dpkg. */
export const apt: Distro = {
  packageManager: 'dpkg',
  isPackageName: (word) => word.length <= longestName && names.test(word),
  refreshCommand: ['apt-get', 'update'],
  installCommand: (packages) => [...install, ...packages],
  installedQueries: (packages) => [query('${binary:Package} ${db:Status-Status}\\n', packages)],
  missingPackages: (packages, answers) => {
    const lines = answers.flatMap(({ stdout }) => stdout.split('\n'));
    const installed = new Set(
      lines
        .filter((line) => line.endsWith(' installed'))
        .map((line) => withoutArch(line.split(' ')[0] ?? '')),
    );
    return packages.filter((name) => !installed.has(name));
  },
  versionsCommand: (packages) => query('${binary:Package} ${Version}\\n', packages),
  distributionCommand: (packages) => query(known, packages),
  inventoryCommand: query(known, []),
  security: aptSecurity,
  purlType: 'deb',
  copyrightFile: (name) => `/usr/share/doc/${name}/copyright`,
  // `gcc` is an empty package that stands for the one with the number.
  compilerPackage: (name, major) => `${name}-${major}`,
  pythonPackages: (python) => [python, `${python}-venv`],
  enableCommands: () => [],
  glibc: { development: 'libc6-dev', runtime: 'libc6' },
  smokeDockerfile: `ARG BASE_IMAGE
FROM \${BASE_IMAGE}
ARG PACKAGES
ARG UNPACKED
WORKDIR /tmp
RUN apt-get update \\
 && DEBIAN_FRONTEND=noninteractive ${install.join(' ')} \${PACKAGES} \\
 && for package in \${UNPACKED}; do \\
      apt-get download "$package" && dpkg-deb --extract "$package"_*.deb / && rm "$package"_*.deb || exit 1; \\
    done \\
 && apt-get clean && rm -rf /var/lib/apt/lists/*
WORKDIR /
`,
  unpacks: true,
};
