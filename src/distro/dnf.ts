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
  // Enterprise Linux has venv in the package itself.
  pythonPackages: (python) => [python],
  enableCommands: ({ packages, enabled }) => [
    ...(packages.length === 0 ? [] : [[...install, ...packages] as Command]),
    ...enabled.map((name): Command => ['dnf', 'config-manager', '--set-enabled', name]),
  ],
  glibc: { development: 'glibc-devel', runtime: 'glibc' },
  smokeDockerfile: `ARG BASE_IMAGE
FROM \${BASE_IMAGE}
ARG REPOSITORY_PACKAGES
ARG REPOSITORIES
RUN if [ -n "\${REPOSITORY_PACKAGES}" ]; then ${install.join(' ')} \${REPOSITORY_PACKAGES}; fi \\
 && for name in \${REPOSITORIES}; do dnf config-manager --set-enabled "$name" || exit 1; done \\
 && dnf clean all
ARG PACKAGES
# The image has packages that are made smaller (libcurl-minimal); whole ones take their places.
RUN ${install.join(' ')} --allowerasing \${PACKAGES} && dnf clean all
`,
  unpacks: false,
};
