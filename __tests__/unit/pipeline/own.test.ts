import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { InputError } from '../../../src/base/errors.js';
import { containerLayout } from '../../../src/container/layout.js';
import { environmentBase } from '../../../src/pipeline/key.js';
import { copyRepos } from '../../../src/pipeline/own.js';
import { resolveBuild } from '../../../src/pipeline/resolve.js';
import { renderEnvironment } from '../../../src/spack/environment.js';
import { buildRequest } from '../../support/build.js';
import { fakePorts, readFiles, temporaryFolder } from '../../support/fakes.js';
import { fakeMachine } from '../../support/machine.js';

const files = {
  'own.yaml': 'spack:\n  concretizer:\n    reuse: true\n  packages:\n    lz4:\n      require: "@1.9"\n',
  'odd.yaml': 'spack:\n  package: {}\n  config: {checksum: false}\n',
  'no.yaml': 'a: [',
  'list.yaml': '- a\n',
  'spack.lock': '{"roots":[],"concrete_specs":{}}',
  'site/spack_repo/site/repo.yaml': 'repo:\n  namespace: site\n  api: v2.0\n',
  'site/spack_repo/site/packages/tool/package.py': 'class Tool: pass\n',
  'plain/repo.yaml': 'repo:\n  namespace: plain\n',
  'plain/packages/tool/package.py': 'class Tool: pass\n',
  'taken/repo.yaml': 'repo:\n  namespace: builtin\n',
  'empty/README': '',
};

async function plan(inputs: Record<string, string>) {
  const cwd = await temporaryFolder(files);
  await symlink('own.yaml', join(cwd, 'link.yaml'));
  const request = await buildRequest({ cwd, layers: [inputs] });
  return { cwd, build: await resolveBuild(request, fakePorts({ process: fakeMachine() })) };
}
const problemsOf = async (inputs: Record<string, string>): Promise<string[]> => {
  const error = await plan(inputs).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw error ?? new Error('nothing was refused');
  return error.problems.map(({ input, message }) => `${input}: ${message}`);
};
const rendered = ({ build }: Awaited<ReturnType<typeof plan>>) =>
  parse(
    renderEnvironment({
      ...environmentBase(build.options, build.release, build.toolchain, 'amd64', build.own),
      layout: containerLayout,
      versionOf: () => '1',
      sourceMirror: undefined,
    }),
  ).spack;

describe('what is added', () => {
  test('nothing: name and environment are as ever', async () => {
    const { build } = await plan({});
    expect(build.identifier).toBe('slurm-24.11.6-bookworm-amd64');
    expect(build.own).toMatchObject({ spec: [], packages: [], repos: [], yaml: undefined, lock: undefined });
  });

  test('spec and packages are in name, environment and key', async () => {
    const plain = await plan({});
    const planned = await plan({ spec: 'slurm cflags="-O3 -g" ^lz4@1.9', packages: 'lua@5.4 +shared lz4' });
    expect(planned.build.identifier).toMatch(/^slurm-24\.11\.6\.e[0-9a-f]{12}-bookworm-amd64$/);
    expect(planned.build.contentKey).not.toBe(plain.build.contentKey);
    const { specs } = rendered(planned);
    expect(specs[0]).toMatch(/^slurm@=24-11-6-1 .* cflags="-O3 -g" \^lz4@1\.9$/);
    expect(specs.slice(1)).toEqual(['lua@5.4 +shared', 'lz4']);
  });

  test('a target holds for all packages, and one of a maker is looked for', async () => {
    const generic = rendered(await plan({ spec: 'target=x86_64_v3' }));
    expect(generic.packages.all.require).toEqual(['target=x86_64_v3']);
    expect(generic.concretizer.targets).toEqual({ granularity: 'generic' });
    const zen = rendered(await plan({ spec: 'target=zen4' }));
    expect(zen.packages.all.require).toEqual(['target=zen4']);
    expect(zen.concretizer.targets).toEqual({ granularity: 'microarchitectures' });
  });

  test('an environment is merged, what it changes is told, and a package keeps the target', async () => {
    const planned = await plan({ 'spack-yaml': 'own.yaml' });
    expect(planned.build.notices).toEqual(['spack-yaml: concretizer.reuse is true, in place of false.']);
    const { concretizer, packages } = rendered(planned);
    expect(concretizer.reuse).toBe(true);
    expect(packages.lz4.require).toEqual(['@1.9', 'target=x86_64']);
  });

  test('repositories of both forms get a place below the recipes', async () => {
    const { build, cwd } = await plan({ repos: 'site plain' });
    expect(build.own.repos.map(({ namespace, place }) => [namespace, place])).toEqual([
      ['site', '0/spack_repo/site'],
      ['plain', '1/spack_repo/plain'],
    ]);
    expect(Object.keys(rendered({ build, cwd }).repos)).toEqual([
      'slurm_factory',
      'site',
      'plain',
      'builtin',
    ]);
    const to = await temporaryFolder({});
    await copyRepos(build.own.repos, to);
    expect(Object.keys(await readFiles(to)).sort()).toEqual([
      'repos/0/spack_repo/site/packages/tool/package.py',
      'repos/0/spack_repo/site/repo.yaml',
      'repos/1/spack_repo/plain/packages/tool/package.py',
      'repos/1/spack_repo/plain/repo.yaml',
    ]);
    await writeFile(join(cwd, 'plain/packages/tool/package.py'), 'import os\n');
    await expect(copyRepos(build.own.repos, await temporaryFolder({}))).rejects.toThrow('plain was changed');
  });

  test('the recipes in a repository are in the key', async () => {
    const before = await plan({ repos: 'site' });
    const after = await plan({ repos: 'plain' });
    expect(before.build.contentKey).not.toBe(after.build.contentKey);
    expect(before.build.overlayDigest).not.toBe(after.build.overlayDigest);
    expect(before.build.hostLayout.overlay).toContain(before.build.buildFolder);
  });

  test('tests of packages are in the key alone', async () => {
    const [plain, tested] = [await plan({}), await plan({ 'spack-test': 'root' })];
    expect(tested.build.identifier).toBe(plain.build.identifier);
    expect(tested.build.contentKey).not.toBe(plain.build.contentKey);
  });
});

describe('what is refused, all at once', () => {
  test.each<[Record<string, string>, string[]]>([
    [{ 'spack-yaml': 'none.yaml' }, ["spack-yaml: 'none.yaml' is missing."]],
    [{ 'spack-yaml': 'link.yaml' }, ["spack-yaml: 'link.yaml' is a symbolic link."]],
    [{ 'spack-yaml': 'list.yaml' }, ['spack-yaml: list.yaml: it is no mapping of sections of spack.yaml.']],
    [
      { 'spack-yaml': 'odd.yaml', repos: 'empty taken nowhere' },
      [
        "spack-yaml: odd.yaml: 'package' is no section of an environment. Did you mean 'packages'?",
        "spack-yaml: odd.yaml: config.checksum can't be set: what is fetched is checked.",
        "repos: 'empty' has no repo.yaml, nor one below its spack_repo.",
        "repos: 'taken' has the namespace builtin, which is taken.",
        "repos: 'nowhere' has no repo.yaml, nor one below its spack_repo.",
      ],
    ],
    [
      { 'spack-lock': 'spack.lock' },
      [expect.stringMatching(/^spack-lock: spack\.lock: spack\.lock /) as never],
    ],
    [{ spec: '@24.11' }, ["spec: '@24.11' is a version; that is slurm-version."]],
    [{ spec: 'cflags="-O3' }, ["spec: 'cflags=\"-O3': a quote is not closed."]],
    [{ spec: '+nvml ~debug' }, ['spec: nvml is switched by gpu. debug is switched by debug.']],
    [{ spec: 'openmpi' }, [expect.stringContaining("spec: 'openmpi' is another package") as never]],
    [{ packages: '+pmi' }, ["packages: '+pmi': '+pmi' is not the name of a package."]],
    [{ packages: 'slurm@24.11' }, ["packages: slurm is built in any case; what its spec says is in 'spec'."]],
    [
      { repos: 'https://user:word@git.test/a.git' },
      [expect.stringMatching(/^repos: 'https:\/\/git\.test\/a\.git': an address begins with/) as never],
    ],
    [
      { 'module-layout': 'flatt' },
      [
        "module-layout: 'flatt' is not a known layout of module files. Did you mean 'flat'? Choose one of: flat, hierarchical.",
      ],
    ],
  ])('%j', async (inputs, problems) => expect(await problemsOf(inputs)).toEqual(problems));

  test('YAML that is none says where', async () =>
    expect((await problemsOf({ 'spack-yaml': 'no.yaml' }))[0]).toMatch(
      /^spack-yaml: no\.yaml: it is no YAML: .+ line 1/,
    ));

  test('the same namespace twice', async () =>
    expect(await problemsOf({ repos: 'site site' })).toEqual(['repos: the namespace site is there twice.']));
});
