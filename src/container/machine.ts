import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingRequirementError } from '../base/errors.js';
import { exists, sha256 } from '../base/files.js';
import type { Host } from '../base/host.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import { lastLine } from '../base/text.js';
import { distroOf } from '../distro/distros.js';
import { imagePackages, type Toolchain } from '../targets/toolchains.js';

/** The Python that makes an environment, and the pinned modules of that. */
export interface PythonDefinition {
  readonly toolchain: Pick<Toolchain, 'python'>;
  readonly requirements: string;
}

interface MachinePorts {
  readonly process: ProcessRunner;
  readonly logger: Logger;
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
  const distro = distroOf(toolchain.packageManager);
  const names = imagePackages(toolchain);
  const answers = await Promise.all(distro.installedQueries(names).map((query) => process.run(query)));
  const missing = distro.missingPackages(names, answers);
  if (missing.length === 0) return;
  const sudo = host.uid === 0 ? [] : ['sudo'];
  const steps = [...distro.enableCommands(toolchain.repositories), distro.installCommand(missing)].map(
    (words) => [...sudo, ...words],
  );
  if (!install) {
    throw new MissingRequirementError(
      `This machine lacks ${missing.length} packages that the build needs.`,
      `Install them: ${steps.map((words) => words.join(' ')).join(' && ')}\nOr run this again with --install-missing.`,
    );
  }
  logger.info(`Installing: ${missing.join(' ')}`);
  const refresh = distro.refreshCommand;
  for (const step of refresh === undefined ? steps : [[...sudo, ...refresh], ...steps]) {
    const [program = '', ...args] = step;
    const result = await process.run([program, ...args], {
      onLine: (line) => logger.debug(line),
      // sudo may ask for a password.
      terminal: true,
    });
    if (result.exitCode !== 0) {
      throw new MissingRequirementError(
        `\`${step.join(' ')}\` failed: ${lastLine(result.stderr)}`,
        'Fix what it says, then run this again.',
      );
    }
  }
}

/**
 * Makes a Python environment with the pinned modules, once for each set of them. Builds that do so at the same
 * time each make one aside; the first that is ready is everybody's.
 * @returns path of its interpreter
 */
export async function ensurePython(
  root: string,
  { toolchain: { python }, requirements }: PythonDefinition,
  caBundle: string | undefined,
  { process, logger }: MachinePorts,
): Promise<string> {
  const folder = join(root, `venv-${sha256(JSON.stringify([python, requirements])).slice(0, 12)}`);
  if (await exists(folder)) return pythonOf(folder);
  logger.info('Installing the pinned Python modules');
  await mkdir(root, { recursive: true });
  const aside = await mkdtemp(`${folder}-`);
  try {
    const made = join(aside, 'python');
    const list = join(aside, 'requirements.txt');
    await writeFile(list, requirements);
    await installModules(python, made, list, caBundle, process);
    await rename(made, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return pythonOf(folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const pythonOf = (folder: string): string => join(folder, 'bin', 'python3');

async function installModules(
  python: string,
  folder: string,
  list: string,
  caBundle: string | undefined,
  process: ProcessRunner,
): Promise<void> {
  // pip brings its own list of authorities and does not know the host's.
  const trust = caBundle === undefined ? [] : ['--cert', caBundle];
  const words = ['--quiet', ...trust, '--require-hashes', '--no-deps', '--requirement', list];
  const steps: [string, ...string[]][] = [
    [python, '-m', 'venv', folder],
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
