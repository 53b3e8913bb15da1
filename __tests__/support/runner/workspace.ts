import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../prepare.js';

export interface WorkspaceOptions {
  /** A folder that does not exist yet, or is empty. */
  readonly directory: string;
  /** Files and folders of this project, e.g. `action.yml`, `dist`. */
  readonly copy?: readonly string[];
  /** More files: path to text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What a user's checkout of the action has, and the tests' workflows. */
const actionParts = [
  'action.yml',
  'plan',
  'publish',
  'dist',
  'data',
  'toolchains',
  'templates',
  'spack-repo',
  'scripts',
];

/** Makes a repository of the action, as it is or with some files changed. */
export const makeActionWorkspace = (directory: string, files: WorkspaceOptions['files'] = {}): string =>
  makeWorkspace({ directory, copy: [...actionParts, '__tests__/e2e/workflows'], files });

/**
 * Makes a git repository with one commit and a GitHub remote, which is what `act` reads
 * `github.sha`, `github.ref` and `github.repository` from. Returns its path.
 */
export function makeWorkspace(options: WorkspaceOptions): string {
  const { directory } = options;
  mkdirSync(directory, { recursive: true });
  for (const path of options.copy ?? []) {
    cpSync(join(projectRoot, path), join(directory, path), { recursive: true, verbatimSymlinks: true });
  }
  for (const [path, text] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  const git = (...words: string[]): void => {
    const who = ['-c', 'user.name=test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...who, ...words], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  git('init', '--quiet', '--initial-branch=main');
  git('remote', 'add', 'origin', 'https://github.com/example/slurm-factory');
  // Ignored files too: a test names what it wants, and act leaves ignored files behind unless git has them.
  git('add', '--all', '--force');
  git('commit', '--quiet', '--allow-empty', '--message', 'workspace');
  return directory;
}
