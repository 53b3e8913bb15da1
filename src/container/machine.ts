import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingRequirementError } from '../base/errors.js';
import { exists, sha256 } from '../base/files.js';
import type { Host } from '../base/host.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import { lastLine } from '../base/text.js';
import { imagePackages, type Toolchain } from '../targets/toolchains.js';

interface MachinePorts {
  readonly process: ProcessRunner;
  readonly logger: Logger;
}

/** The command that installs packages of the distribution. */
export function installPackagesCommand(
  manager: Toolchain['packages'],
  names: readonly string[],
): [string, ...string[]] {
  return manager === 'dpkg'
    ? ['apt-get', 'install', '--yes', '--no-install-recommends', ...names]
    : ['dnf', 'install', '--assumeyes', '--setopt=install_weak_deps=False', ...names];
}

/**
 * Makes sure that this machine has the packages that a builder image would have.
 * @param install whether what is missing is installed
 * @throws MissingRequirementError with the exact command
 */
export async function ensurePackages(
  toolchain: Toolchain,
  host: Host,
  install: boolean,
  { process, logger }: MachinePorts,
): Promise<void> {
  const missing = await missingPackages(toolchain, process);
  if (missing.length === 0) return;
  const sudo = host.uid === 0 ? [] : ['sudo'];
  const command = [...sudo, ...installPackagesCommand(toolchain.packages, missing)];
  if (!install) {
    throw new MissingRequirementError(
      `This machine lacks ${missing.length} packages that the build needs.`,
      `Install them: ${command.join(' ')}\nOr run this again with --install-missing.`,
    );
  }
  logger.info(`Installing: ${missing.join(' ')}`);
  const steps = toolchain.packages === 'dpkg' ? [[...sudo, 'apt-get', 'update'], command] : [command];
  for (const step of steps) {
    const [program = '', ...args] = step;
    const result = await process.run([program, ...args], { onLine: (line) => logger.debug(line) });
    if (result.exitCode !== 0) {
      throw new MissingRequirementError(
        `\`${step.join(' ')}\` failed: ${lastLine(result.stderr)}`,
        'Mend what it says, then run this again.',
      );
    }
  }
}

async function missingPackages(toolchain: Toolchain, process: ProcessRunner): Promise<string[]> {
  const names = imagePackages(toolchain);
  if (toolchain.packages === 'dpkg') {
    const format = '${binary:Package} ${db:Status-Status}\\n';
    const { stdout } = await process.run(['dpkg-query', '--show', '--showformat', format, ...names]);
    const installed = new Set(
      stdout
        .split('\n')
        .filter((line) => line.endsWith(' installed'))
        .map((line) => line.split(' ')[0]?.replace(/:.*$/, '')),
    );
    return names.filter((name) => !installed.has(name));
  }
  const asked = await Promise.all(
    names.map((name) => process.run(['rpm', '--query', '--whatprovides', name])),
  );
  return names.filter((_, index) => asked[index]?.exitCode !== 0);
}

/**
 * Makes a Python environment with the pinned modules, once for each set of them. Builds that do so at the same
 * time each make one aside; the first that is ready is everybody's.
 * @returns path of its interpreter
 */
export async function ensurePython(
  root: string,
  requirements: string,
  caBundle: string | undefined,
  { process, logger }: MachinePorts,
): Promise<string> {
  const folder = join(root, `venv-${sha256(requirements).slice(0, 12)}`);
  const python = pythonOf(folder);
  if (await exists(folder)) return python;
  logger.info('Installing the pinned Python modules');
  await mkdir(root, { recursive: true });
  const aside = await mkdtemp(`${folder}-`);
  try {
    const made = join(aside, 'python');
    const list = join(aside, 'requirements.txt');
    await writeFile(list, requirements);
    await installModules(made, list, caBundle, process);
    await rename(made, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return python;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const pythonOf = (folder: string): string => join(folder, 'bin', 'python3');

async function installModules(
  folder: string,
  list: string,
  caBundle: string | undefined,
  process: ProcessRunner,
): Promise<void> {
  // pip brings its own list of authorities and does not know the host's.
  const trust = caBundle === undefined ? [] : ['--cert', caBundle];
  const words = ['--quiet', ...trust, '--require-hashes', '--no-deps', '--requirement', list];
  const steps: [string, ...string[]][] = [
    ['python3', '-m', 'venv', folder],
    [pythonOf(folder), '-m', 'pip', 'install', ...words],
  ];
  for (const step of steps) {
    const result = await process.run(step);
    if (result.exitCode === 0) continue;
    throw new MissingRequirementError(
      `\`${step.join(' ')}\` failed: ${lastLine(result.stderr)}`,
      'Check that Python 3 with venv is installed and that its package index can be reached.',
    );
  }
}
