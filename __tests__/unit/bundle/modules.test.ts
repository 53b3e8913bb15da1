import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import {
  moduleFiles,
  moduleTemplates,
  moduleVersion,
  renderInstaller,
  renderTemplate,
  targetFacts,
} from '../../../src/bundle/modules.js';
import type { Target } from '../../../src/targets/identifier.js';

const target: Target = { version: '24.11.6', toolchain: 'bookworm', gpu: 'none', arch: 'amd64' };
const projectTemplate = (name: string): Promise<string> =>
  readFile(new URL(`../../../templates/${name}`, import.meta.url), 'utf8');
const unfilled = /@[A-Z_]+@/;

test.each([
  ['none', '24.11.6'],
  ['cuda', '24.11.6-cuda'],
  ['rocm', '24.11.6-rocm'],
] as const)('the module of gpu %s is slurm/%s, in a tree for each tool', (gpu, version) => {
  expect(moduleVersion({ ...target, gpu })).toBe(version);
  const files = moduleFiles({ ...target, gpu }, { lmod: 'a', tcl: 'b' });
  expect(files).toEqual([
    { path: `lmod/slurm/${version}.lua`, text: 'a' },
    { path: `tcl/slurm/${version}`, text: 'b' },
  ]);
});

describe('renderTemplate', () => {
  test('fills every fact of a target, each time it is named', () => {
    const template = '@TARGET@ @VERSION@ @MODULE@ @TOOLCHAIN@ @ARCH@ @GPU@ @PREFIX@ @VERSION@';
    expect(renderTemplate(template, targetFacts({ ...target, gpu: 'cuda' }))).toBe(
      'slurm-24.11.6-bookworm-amd64-cuda 24.11.6 24.11.6-cuda bookworm amd64 cuda /opt/slurm-24.11.6-bookworm-amd64-cuda 24.11.6',
    );
  });

  test('fills names with underscores', () => {
    expect(renderTemplate('@OS_ID@', { OS_ID: 'debian' })).toBe('debian');
  });

  test('leaves everything else alone, dollars and all', () => {
    const template = 'a@b.test $& $1 @lower@ @ VERSION @ "$@" @-';
    expect(renderTemplate(template, targetFacts(target))).toBe(template);
  });

  test('a fact that there is not is a ConfigurationError that names it', () => {
    expect(() => renderTemplate('@COMPILER@', targetFacts(target))).toThrow(ConfigurationError);
    expect(() => renderTemplate('@COMPILER@', targetFacts(target))).toThrow(/@COMPILER@/);
  });
});

test('the module templates of the project name no unknown fact, and leave none unfilled', async () => {
  const [lmod, tcl] = await Promise.all([
    projectTemplate(moduleTemplates.lmod),
    projectTemplate(moduleTemplates.tcl),
  ]);
  const [lua, modulefile] = moduleFiles(target, { lmod, tcl });
  for (const text of [lua?.text, modulefile?.text]) {
    expect(text).not.toMatch(unfilled);
    expect(text).toContain('"Version: 24.11.6"');
    expect(text).toContain('SLURM_INSTALL_PREFIX');
    expect(text).not.toContain('LD_LIBRARY_PATH');
  }
  expect(lua?.text).toContain('prefix = "/opt/slurm-24.11.6-bookworm-amd64"');
  expect(modulefile?.text).toMatch(/^#%Module/);
  expect(modulefile?.text).toContain('set prefix "/opt/slurm-24.11.6-bookworm-amd64"');
});

describe('renderInstaller', () => {
  const machine = { os: { id: 'debian', version: '12' }, packages: 'dpkg' } as const;

  test('fills the template of the project', async () => {
    const text = renderInstaller(await projectTemplate('install.sh'), target, machine, [
      'libmunge2',
      'libc6',
    ]);
    expect(text).not.toMatch(unfilled);
    expect(text).toContain("target='slurm-24.11.6-bookworm-amd64'");
    expect(text).toContain("os_id='debian'\nos_version='12'\npackage_manager='dpkg'");
    expect(text).toContain('set -- libc6 libmunge2\n');
  });

  test.each(['$(id)', 'two words', '-y', "it's", ''])('refuses the package name %p', (name) => {
    expect(() => renderInstaller('', target, machine, [name])).toThrow(ConfigurationError);
  });

  test('refuses such a name of a distribution, too', () => {
    const odd = { ...machine, os: { id: "'; id", version: '12' } };
    expect(() => renderInstaller('', target, odd, [])).toThrow(/'; id/);
  });
});
