import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Knowledge } from '../../src/publish/entries.js';
import type { PublishRequest } from '../../src/publish/publish.js';
import { parseAdvisories } from '../../src/targets/advisories.js';
import { parseReleases } from '../../src/targets/release-data.js';
import { parseSupport } from '../../src/targets/support.js';
import { type Oddities, writeResult } from './bundle.js';

/** Releases that are published out of results that nobody has built. */

const projectRoot = resolve(import.meta.dirname, '..', '..');
const data = (name: string) => readFileSync(join(projectRoot, 'data', name), 'utf8');

/** What the project knows of releases, and of two distributions. */
export const known: Knowledge = {
  releases: parseReleases(data('slurm-releases.json')),
  advisories: parseAdvisories(data('advisories.json')),
  support: parseSupport(data('support.json')),
  distribution: (toolchain) =>
    toolchain === 'bookworm'
      ? { name: 'Debian 12 (bookworm)', id: 'debian', version: '12' }
      : toolchain === 'trixie'
        ? { name: 'Debian 13 (trixie)', id: 'debian', version: '13' }
        : undefined,
};

/** A matrix of two releases of Slurm. */
export const matrixTargets = [
  'slurm-26.05.3-glibc2.34-amd64',
  'slurm-26.05.3-glibc2.34-amd64-cuda',
  'slurm-26.05.3-glibc2.34-arm64',
  'slurm-26.05.3-bookworm-amd64',
  'slurm-24.11.6-glibc2.34-amd64',
  'slurm-24.11.6-glibc2.34-amd64-cuda',
  'slurm-24.11.6-bookworm-amd64',
] as const;

/** Writes results as artifacts are downloaded: each in a folder of its own. */
export async function writeResults(
  folder: string,
  identifiers: readonly string[],
  odd: (identifier: string) => Oddities = () => ({}),
): Promise<void> {
  for (const identifier of identifiers) {
    mkdirSync(join(folder, identifier), { recursive: true });
    await writeResult(join(folder, identifier), identifier, { smoke: true, ...odd(identifier) });
  }
}

/** A request that makes a release in a folder, and no more. */
export const publishRequest = (folder: string, change: Partial<PublishRequest> = {}): PublishRequest => ({
  root: projectRoot,
  known,
  results: join(folder, 'results'),
  planned: undefined,
  takeOver: [],
  allowMissing: false,
  folder: join(folder, 'release'),
  pages: undefined,
  name: 'v1',
  downloads: undefined,
  page: undefined,
  previous: undefined,
  publicKey: undefined,
  signing: undefined,
  github: undefined,
  ...change,
});
