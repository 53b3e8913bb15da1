#!/usr/bin/env node
// Asks Slurm's repository for releases that data/slurm-releases.json lacks, adds them with commit, date and the
// sha256 of the tag's archive, and rewrites the version lines of the recipe.
// With --offline nothing is asked, with --check nothing is written either, and the exit code is 1 when the recipe
// is not what the data gives. A tag that has moved ends it, and nothing is written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { askTags, byNumbers, withCommits } from './refresh/git.mjs';
import { newReleases, renderRecipe, withReleases } from './refresh/releases.mjs';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    offline: { type: 'boolean', default: false },
    // For tests: another project's folder, another repository.
    root: { type: 'string', default: resolve(import.meta.dirname, '..') },
    repository: { type: 'string' },
  },
});
const at = (path) => join(values.root, path);
const dataFile = at('data/slurm-releases.json');
const recipeFile = at('spack-repo/spack_repo/slurm_factory/packages/slurm/package.py');
const read = (path) => readFileSync(path, 'utf8');

/** The releases that upstream has more, whole. */
function fetchReleases(known) {
  const repository = values.repository ?? JSON.parse(read(at('data/pins.json'))).slurm.git;
  const added = newReleases(known, askTags(repository, 'slurm-*'));
  if (added.length === 0) return [];
  // Whether archives that are made here are those that GitHub serves, the newest known one tells.
  const proof = Object.values(known)
    .flat()
    .toSorted((a, b) => byNumbers(a.version, b.version))
    .at(-1);
  const commits = [...added, proof].map(({ commit }) => commit);
  return withCommits(repository, commits, ({ date, archiveSum }) => {
    const sumOf = ({ commit, tag }) => archiveSum(commit, `slurm-${tag}`);
    if (sumOf(proof) !== proof.archiveSha256) {
      throw new Error(`The archive of ${proof.tag} that git and gzip make here is not the one in the data.`);
    }
    return added.map((release) => ({
      ...release,
      ...{ archiveSha256: sumOf(release), date: date(release.commit) },
    }));
  });
}

const data = JSON.parse(read(dataFile));
const added = values.check || values.offline ? [] : fetchReleases(data.releases);
const releases = withReleases(data.releases, added);
for (const { version, tag, archiveSha256 } of added)
  console.log(`${version}: ${tag}, sha256 ${archiveSha256}`);
if (added.length > 0) writeFileSync(dataFile, JSON.stringify({ ...data, releases }, undefined, 1));

const before = read(recipeFile);
const after = renderRecipe(before, releases);
if (before === after) {
  console.log("The recipe's releases are up to date.");
} else if (values.check) {
  console.error(
    "The recipe's releases differ from data/slurm-releases.json: run node scripts/refresh-releases.mjs --offline",
  );
  process.exitCode = 1;
} else {
  writeFileSync(recipeFile, after);
  console.log("The recipe's releases were rewritten.");
}
