import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageManagers } from '../../src/distro/distro.js';
import { defaultChoice, type FeatureChoice } from '../../src/targets/feature-choice.js';
import { type Arch, archOf } from '../../src/targets/identifier.js';
import {
  type FittedToolchain,
  fitToolchain,
  parseToolchain,
  type Toolchain,
} from '../../src/targets/toolchains.js';
import { features, recipe } from './fakes.js';

/** The project's own toolchains. */

export const toolchainFolder = fileURLToPath(new URL('../../toolchains/', import.meta.url));
export const toolchainFile = (...path: string[]): string =>
  readFileSync(join(toolchainFolder, ...path), 'utf8');

/** Ids of all, sorted. */
export const toolchainIds: readonly string[] = readdirSync(toolchainFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** What those of each package manager have in common. */
export const commonParts = Object.fromEntries(
  packageManagers.map((name) => [name, toolchainFile(`${name}.yaml`)]),
);

export function readToolchain(id: string, arch: Arch = 'amd64'): Toolchain {
  const path = `toolchains/${id}/toolchain.yaml`;
  return parseToolchain(toolchainFile(id, 'toolchain.yaml'), path, arch, features, commonParts);
}

/** One of them as a target has it, for this machine's architecture. */
export function fittedToolchain(
  id: string,
  choice: FeatureChoice = defaultChoice,
  release = '26.05.3',
): FittedToolchain {
  const fitted = fitToolchain(readToolchain(id, archOf(process.arch)), recipe, choice, release);
  if (Array.isArray(fitted)) throw new Error(fitted.join(' '));
  return fitted;
}
