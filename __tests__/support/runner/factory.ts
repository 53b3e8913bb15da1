import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../prepare.js';
import { makeWorkspace } from './workspace.js';

/* `OWNER/slurm-factory@v1`, as the workflows of docs/examples call it, for runs with act. */

const reference = 'OWNER/slurm-factory@v1';
const matrix = '.github/workflows/build-matrix.yml';
const releasesFile = 'data/slurm-releases.json';
const checkout = 'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1';
const pages = 'actions/upload-pages-artifact@fc324d3547104276b827a68afc52ff2a11cc49c9';
const parts = [
  'index',
  'action.yml',
  'plan',
  'publish',
  'dist',
  'data',
  'toolchains',
  'templates',
  'spack-repo',
  'site',
  'scripts',
];

/**
 * Makes it in a folder of its own, with some releases of Slurm's series 24.11 as the only ones that it knows.
 * @returns the folder
 */
export function makeFactory(directory: string, versions: readonly string[]): string {
  // act has no job.workflow_repository and job.workflow_sha; the inputs that stand in for them then have values.
  const workflow = [
    ['workflow-repository', 'OWNER/slurm-factory'],
    ['workflow-ref', 'v1'],
  ].reduce(
    (text, [name, value]) =>
      text.replace(`${name}: { type: string, default: ''`, `${name}: { type: string, default: ${value}`),
    // All legs are built on one machine, which would build all of a stage at once.
    readFileSync(join(projectRoot, matrix), 'utf8').replaceAll(
      /^( +)fail-fast: false$/gm,
      '$1fail-fast: false\n$1max-parallel: 1',
    ),
  );
  const data = JSON.parse(readFileSync(join(projectRoot, releasesFile), 'utf8'));
  const releases = data.releases['24.11'].filter(({ version }: { version: string }) =>
    versions.includes(version),
  );
  const support = { series: { '24.11': { until: '2999-12', source: 'the test' } } };
  return makeWorkspace({
    directory,
    copy: parts,
    files: {
      [matrix]: workflow,
      [releasesFile]: JSON.stringify({ ...data, releases: { '24.11': releases } }),
      'data/support.json': JSON.stringify(support),
    },
  });
}

const standIn = (name: string) => join(projectRoot, '__tests__', 'support', 'runner', name);

/** What a run needs whose workflow calls it: where its actions lie, and GitHub's that act has not. */
export const factoryActions = (factory: string): Readonly<Record<string, string>> => ({
  [reference]: factory,
  [checkout]: standIn('checkout'),
  [pages]: standIn('pages'),
});

/** The variable by which the stand-in of actions/checkout finds it. */
export const factoryVariables = (factory: string): Readonly<Record<string, string>> => ({
  TEST_CHECKOUT: `${reference}=${factory}`,
});
