import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface WorkspaceOptions {
  /** A folder that does not exist yet, or is empty. */
  readonly directory: string;
  /** Where `copy` is taken from: the root of a checkout. */
  readonly source?: string;
  /** Files and folders of the source, e.g. `action.yml`, `dist`. */
  readonly copy?: readonly string[];
  /** More files: path to text. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * Makes a git repository with one commit and a GitHub remote, which is what `act` reads
 * `github.sha`, `github.ref` and `github.repository` from. Returns its path.
 */
export function makeWorkspace(options: WorkspaceOptions): string {
  const { directory, source } = options;
  mkdirSync(directory, { recursive: true });
  for (const path of options.copy ?? []) {
    if (source === undefined) throw new Error('copy needs a source');
    cpSync(join(source, path), join(directory, path), { recursive: true, verbatimSymlinks: true });
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
