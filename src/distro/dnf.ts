import { type Command, type Distro, fields, longestName } from './distro.js';

// No option, path, pattern, group or version.
const names = /^[A-Za-z0-9_](?:[A-Za-z0-9._+-]*[A-Za-z0-9._+])?$/;

// Without the setting, dnf also installs what is only recommended.
const install = ['dnf', 'install', '--assumeyes', '--setopt=install_weak_deps=False'] as const;

const query = (format: string, packages: readonly string[]): Command => [
  'rpm',
  '--query',
  '--queryformat',
  format,
  ...packages,
];

const known = fields('%{NAME}', '%{EPOCHNUM}', '%{VERSION}-%{RELEASE}', '%{ARCH}', '%{SOURCERPM}');

/** Red Hat Enterprise Linux, Rocky Linux, Fedora and their like: dnf and rpm. */
export const dnf: Distro = {
  packageManager: 'rpm',
  isPackageName: (word) => word.length <= longestName && names.test(word),
  refreshCommand: undefined,
  installCommand: (packages) => [...install, ...packages],
  // One each: the answer about a package that another one provides does not name it.
  installedQueries: (packages) => packages.map((name) => ['rpm', '--query', '--whatprovides', name]),
  missingPackages: (packages, answers) => packages.filter((_, index) => answers[index]?.exitCode !== 0),
  versionsCommand: (packages) => query('%{NAME} %{VERSION}\\n', packages),
  distributionCommand: (packages) => query(known, packages),
  inventoryCommand: query(known, ['--all']),
  security: undefined,
  purlType: 'rpm',
  copyrightFile: () => undefined,
  compilerPackage: (name) => name,
  glibc: { development: 'glibc-devel', runtime: 'glibc' },
  smokeDockerfile: `ARG BASE_IMAGE
FROM \${BASE_IMAGE}
ARG PACKAGES
RUN ${install.join(' ')} \${PACKAGES} && dnf clean all
`,
  unpacks: false,
};
