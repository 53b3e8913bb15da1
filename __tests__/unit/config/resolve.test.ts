import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import type { RawInputs } from '../../../src/config/inputs.js';
import type { Layer } from '../../../src/config/layers.js';
import { type Catalog, resolveOptions } from '../../../src/config/resolve.js';
import { resolveVersion } from '../../../src/targets/source.js';
import { asInputs } from '../../support/build.js';
import { recipe, release } from '../../support/fakes.js';

const releases = ['24.05.8', '24.11.5', '24.11.6', '25.05.3'].map(release);
const catalog: Catalog = {
  toolchains: ['bookworm', 'noble', 'rockylinux9'],
  variants: recipe.variants,
  resolveVersion: (request) => resolveVersion(releases, request),
};
/** The options without their origins. */
function resolved(...layers: RawInputs[]) {
  const { origins: _, ...options } = resolveOptions(layers.map(asInputs), catalog);
  return options;
}

/** The problems that an input layer is refused with, by input. */
function problemsOf(...layers: Record<string, string>[]): Record<string, string> {
  try {
    resolveOptions(layers.map(asInputs), catalog);
  } catch (error) {
    if (error instanceof InputError) {
      return Object.fromEntries(error.problems.map((problem) => [problem.input, problem.message]));
    }
    throw error;
  }
  return {};
}

describe('defaults', () => {
  const defaults = {
    slurmVersion: { kind: 'release', release: release('25.05.3') },
    slurmSha256: undefined,
    source: undefined,
    patches: undefined,
    toolchain: 'bookworm',
    gpu: 'none',
    features: { base: 'default', with: [], without: [] },
    dependencies: 'bundled',
    denyVulnerable: false,
    moduleLayout: 'flat',
    spackTest: 'none',
    engine: 'auto',
    containerImage: undefined,
    containerCpu: undefined,
    containerMemory: undefined,
    containerSwap: undefined,
    containerStorage: undefined,
    containerNetwork: 'fetch',
    spackRef: undefined,
    packagesRef: undefined,
    sourceMirror: undefined,
    cache: 'auto',
    cacheBudget: 2e9,
    jobs: undefined,
    outputDir: 'slurm-factory-output',
    upload: true,
    debug: false,
    smokeTest: true,
    signing: undefined,
    retentionDays: undefined,
  };

  test('hold where nothing is given', () => {
    expect(resolved()).toEqual(defaults);
    expect(resolved({})).toEqual(defaults);
  });

  test('hold where an empty text or white space is given, as a workflow does for a missing input', () => {
    const names = [
      'slurm-version',
      'toolchain',
      'gpu',
      'engine',
      'jobs',
      'upload',
      'output-dir',
      'cache',
    ].concat(['debug', 'smoke-test', 'gpg-private-key', 'gpg-passphrase', 'github-token']);
    for (const empty of ['', '  ', '\n']) {
      expect(resolved(Object.fromEntries(names.map((name) => [name, empty])))).toEqual(defaults);
    }
  });
});

test('every input arrives, typed', () => {
  expect(
    resolved({
      'slurm-version': '24.11',
      source: 'https://git.test/slurm.git',
      patches: 'one.patch\n  two.patch\n',
      toolchain: 'noble',
      gpu: 'cuda',
      'deny-vulnerable': 'true',
      dependencies: 'system',
      engine: 'podman',
      'container-image': 'registry.test:5000/debian@sha256:0123',
      'container-cpu': '2.5',
      'container-memory': '16GB',
      'container-swap': '0',
      'container-storage': '20 GiB',
      'container-network': 'none',
      'spack-ref': 'v1.2.0',
      'packages-ref': 'releases/2026.06',
      'source-mirror': 'https://mirror.test/spack',
      cache: 'restore-only',
      'cache-secret': 'a secret of 32 characters or more',
      features: 'full -sview',
      spec: 'slurm cflags=-O3 ^lz4@1.9',
      packages: 'openmpi +pmi ucx',
      'module-layout': 'hierarchical',
      'spack-yaml': 'site/spack.yaml',
      repos: `site https://git.test/site.git@${'a'.repeat(40)}`,
      'spack-lock': 'spack.lock',
      'spack-test': 'root',
      'cache-budget': '500 MB',
      jobs: '16',
      'output-dir': 'out/here',
      upload: 'false',
      debug: 'true',
      'smoke-test': 'false',
      'gpg-private-key': 'the key',
      'gpg-passphrase': 'the phrase',
      'github-token': 'the token',
      'retention-days': '7',
    }),
  ).toEqual({
    slurmVersion: { kind: 'release', release: release('24.11.6') },
    source: 'https://git.test/slurm.git',
    patches: ['one.patch', 'two.patch'],
    toolchain: 'noble',
    gpu: 'cuda',
    features: { base: 'full', with: [], without: ['sview'] },
    spec: ['cflags=-O3', '^lz4@1.9'],
    packages: ['openmpi +pmi', 'ucx'],
    moduleLayout: 'hierarchical',
    spackYaml: 'site/spack.yaml',
    repos: ['site', `https://git.test/site.git@${'a'.repeat(40)}`],
    spackLock: 'spack.lock',
    spackTest: 'root',
    denyVulnerable: true,
    dependencies: 'system',
    engine: 'podman',
    containerImage: 'registry.test:5000/debian@sha256:0123',
    containerCpu: 2.5,
    containerMemory: 16e9,
    containerSwap: 0,
    containerStorage: 20 * 2 ** 30,
    containerNetwork: 'none',
    spackRef: 'v1.2.0',
    packagesRef: 'releases/2026.06',
    sourceMirror: 'https://mirror.test/spack',
    cache: 'restore-only',
    cacheSecret: 'a secret of 32 characters or more',
    cacheBudget: 5e8,
    jobs: 16,
    outputDir: 'out/here',
    upload: false,
    debug: true,
    smokeTest: false,
    signing: { privateKey: 'the key', passphrase: 'the phrase' },
    retentionDays: 7,
  });
});

describe('signing', () => {
  test('a key without a passphrase signs with an empty one', () => {
    expect(resolved({ 'gpg-private-key': 'the key' }).signing).toEqual({
      privateKey: 'the key',
      passphrase: '',
    });
  });

  test('a passphrase without a key is refused, and not repeated', () => {
    const problems = problemsOf({ 'gpg-passphrase': 'hunter2', upload: 'yes' });
    expect(Object.keys(problems).sort()).toEqual(['gpg-passphrase', 'upload']);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});

describe('where a value came from', () => {
  const option: Layer = { origin: 'option', values: { toolchain: 'noble', jobs: '3' } };
  const variable: Layer = { origin: 'variable', values: { toolchain: 'rockylinux9', gpu: 'cuda' } };
  const file: Layer = { origin: 'config-file', values: { gpu: 'none', jobs: '5', 'output-dir': 'out' } };

  test.each<[string, Layer[]]>([
    ['by rising precedence', [file, variable, option]],
    ['by falling precedence', [option, variable, file]],
  ])('is kept, and decides, whatever the order of the layers: %s', (_, layers) => {
    const { origins, ...options } = resolveOptions(layers, catalog);
    expect(options).toMatchObject({ toolchain: 'noble', gpu: 'cuda', jobs: 3, outputDir: 'out' });
    expect(origins).toMatchObject({
      toolchain: 'option',
      gpu: 'variable',
      jobs: 'option',
      'output-dir': 'config-file',
      engine: 'default',
    });
  });

  test('an empty value is not where it came from', () => {
    expect(resolveOptions([file, { origin: 'input', values: { jobs: ' ' } }], catalog).origins.jobs).toBe(
      'config-file',
    );
  });

  test('what is wrong with a layer is told with its wrong values', () => {
    const problems = [{ input: '--frobnicate', message: 'no such option.' }];
    const attempt = () => resolveOptions([{ origin: 'option', values: { jobs: 'many' }, problems }], catalog);
    expect(attempt).toThrow(/--frobnicate: no such option\.[\s\S]*jobs: 'many' is not a whole number/);
  });
});

describe('precedence', () => {
  test.each<[string, RawInputs[], string]>([
    ['the later layer wins', [{ toolchain: 'noble' }, { toolchain: 'rockylinux9' }], 'rockylinux9'],
    ['an empty value does not hide the layer below', [{ toolchain: 'noble' }, { toolchain: '' }], 'noble'],
    ['a layer without the input does not either', [{ toolchain: 'noble' }, { gpu: 'cuda' }], 'noble'],
    ['the default is the lowest layer', [{}, {}], 'bookworm'],
  ])('%s', (_, layers, expected) => {
    expect(resolved(...layers).toolchain).toBe(expected);
  });

  test('white space around a value is no part of it', () => {
    expect(resolved({ toolchain: ' noble\n', jobs: ' 3 ' })).toMatchObject({ toolchain: 'noble', jobs: 3 });
  });
});

test.each([
  ['true', 'cuda'],
  ['false', 'none'],
  ['cuda', 'cuda'],
  ['none', 'none'],
])('gpu: %s means %s', (word, gpu) => {
  expect(resolved({ gpu }).gpu).toBe(gpu);
  expect(resolved({ gpu: word }).gpu).toBe(gpu);
});

describe('externals', () => {
  test('are names with white space between', () => {
    const given = { dependencies: 'self-contained', externals: ' curl\n readline ' };
    expect(resolved(given).externals).toEqual(['curl', 'readline']);
    expect(resolved({ dependencies: 'self-contained' }).externals).toBeUndefined();
  });

  test.each(['system', 'bundled'])('are for self-contained alone, not for %s', (dependencies) => {
    expect(problemsOf({ dependencies, externals: 'curl' })).toEqual({
      externals: expect.stringContaining(`dependencies: ${dependencies} has all libraries`),
    });
  });

  test('say nothing of dependencies that are wrong themselves', () => {
    expect(problemsOf({ dependencies: 'sytem', externals: 'curl' })).toEqual({
      dependencies: expect.any(String),
    });
  });
});

describe('wrong inputs', () => {
  test('are all told at once, each with its name', () => {
    const wrong = {
      'slurm-version': '99.99',
      'slurm-sha256': 'abc',
      source: 'https://me:secret@git.test/slurm.git',
      toolchain: 'bookwrom',
      gpu: 'nvidia',
      dependencies: 'sytem',
      engine: 'dokcer',
      'container-image': '--privileged',
      'spack-ref': '-x',
      'packages-ref': 'a b',
      'source-mirror': 'ftp://mirror.test',
      cache: 'maybe',
      'cache-budget': '2 gigs',
      jobs: '0',
      upload: 'yes',
      debug: 'on',
      'smoke-test': 'never',
      'gpg-passphrase': 'without a key',
      'retention-days': '4000',
      compiler: 'gcc',
    };
    expect(Object.keys(problemsOf(wrong)).sort()).toEqual(Object.keys(wrong).sort());
  });

  test.each<[string, string, string]>([
    ['toolchain', 'bookwrom', "Did you mean 'bookworm'?"],
    ['toolchain', 'Noble', "Did you mean 'noble'?"],
    ['engine', 'dokcer', "Did you mean 'docker'?"],
    ['dependencies', 'sytem', "Did you mean 'system'?"],
    ['gpu', 'cude', "Did you mean 'cuda'?"],
    ['cache', 'restore_only', "Did you mean 'restore-only'?"],
    ['cache-budget', '2 gigs', 'a size such as 2 GB, 500 MB, 1.5 GiB or a number of bytes'],
    ['upload', 'flase', "Did you mean 'false'?"],
    ['debug', 'ture', "Did you mean 'true'?"],
    ['smoke-test', 'flase', "Did you mean 'false'?"],
    ['upload', 'yes', "must be true or false, not 'yes'. Did you mean 'true'?"],
    ['debug', '0', "must be true or false, not '0'. Did you mean 'false'?"],
    ['gpu', 'nvidia', "Did you mean 'cuda'?"],
    ['gpu', 'NVML', "Did you mean 'cuda'?"],
    ['gpu', 'amd', "Did you mean 'rocm'?"],
    ['gpu', 'hip', "Did you mean 'rocm'?"],
    ['slurm-version', '25.1', 'YAML reads 25.10 as 25.1, so put the release in quotes'],
    ['slurm-version', '24.1', 'YAML reads 24.10 as 24.1, so put the release in quotes'],
    ['slurm-version', '24.11.07x', '24.11.5, 24.11.6'],
    ['slurm-version', '23.02.1', 'older than 24.05, the oldest that can be built'],
    ['slurm-version', 'abc1234', 'Name all of its 40 digits'],
    ['slurm-version', 'slurm/24.11', 'its name must end with .tar.gz, .tgz, .tar.bz2, .tar.xz'],
    ['slurm-version', 'https://a:b@h.test/slurm.tar.gz', 'has no login'],
    ['slurm-version', 'ftp://h.test/slurm.tar.gz', 'https:// or http://'],
    ['slurm-sha256', 'A'.repeat(64), '64 lower-case hexadecimal digits'],
    ['source', 'http://git.test/slurm.git', 'begins with https://'],
    ['source', 'git@git.test:slurm.git', 'has no login'],
    ['source', '--upload-pack=x', 'nor a folder'],
    ['slurm-version', '23.02', '24.05, 24.11, 25.05, latest'],
  ])('%s: %s is answered with a near name or the list', (name, value, answer) => {
    expect(problemsOf({ [name]: value })[name]).toContain(answer);
  });

  test.each(['25.13', '24.11.x', '5', 'latests'])(
    'slurm-version: %s is not what YAML made of another',
    (request) => {
      expect(problemsOf({ 'slurm-version': request })['slurm-version']).not.toContain('YAML');
    },
  );

  test.each([
    ['toolchian', "Did you mean 'toolchain'?"],
    ['Jobs', "Did you mean 'jobs'?"],
    ['slurm_version', "Did you mean 'slurm-version'?"],
    ['completely-different-thing', 'The inputs are: slurm-version, slurm-sha256, source'],
  ])('an unknown input %s is refused, even when it is empty', (name, answer) => {
    expect(problemsOf({ [name]: '' })[name]).toContain(answer);
  });

  test.each(['0', '-1', '1.5', '1e3', '0x10', 'many', '1025', '99999999999999999999', '4 4'])(
    'jobs: %s is refused',
    (jobs) => {
      expect(problemsOf({ jobs })).toEqual({ jobs: expect.stringContaining('whole number from 1 to 1024') });
    },
  );

  test.each(['1', '1024'])('jobs: %s is taken', (jobs) => {
    expect(resolved({ jobs }).jobs).toBe(Number(jobs));
  });

  test.each(['0', '401', 'forever'])('retention-days: %s is refused', (days) => {
    expect(Object.keys(problemsOf({ 'retention-days': days }))).toEqual(['retention-days']);
  });

  test.each(
    ['upload', 'debug', 'smoke-test'].flatMap((name) =>
      ['True', 'TRUE', 'yes', '1', 'on'].map((value) => [name, value] as const),
    ),
  )('%s: %s is refused, not taken for false', (name, value) => {
    expect(Object.keys(problemsOf({ [name]: value }))).toEqual([name]);
  });

  test.each(['constructor', '__proto__', 'toString'])('gpu: %s is refused', (gpu) => {
    expect(Object.keys(problemsOf({ gpu }))).toEqual(['gpu']);
  });
});

describe('what a shell or git would make something of', () => {
  const evil = [
    '$(id)',
    '`id`',
    'a;b',
    'a|b',
    'a&b',
    'a>b',
    "a'b",
    'a"b',
    'a b',
    'a\nb',
    '-x',
    '--help',
    '*',
    '~',
  ];
  const named = [
    'container-image',
    'spack-ref',
    'packages-ref',
    'slurm-version',
    'toolchain',
    'engine',
    'jobs',
  ];

  test.each(named.flatMap((name) => evil.map((value) => [name, value] as const)))(
    '%s: %j is refused',
    (name, value) => {
      expect(Object.keys(problemsOf({ [name]: value }))).toEqual([name]);
    },
  );

  test.each(['..', 'a..b', '.hidden', '/abs', 'a^{}', 'a:b', 'a\\b'])('spack-ref: %j is no ref', (ref) => {
    expect(Object.keys(problemsOf({ 'spack-ref': ref }))).toEqual(['spack-ref']);
  });

  test.each([
    "/mnt/it's; $(here)",
    'mirror with space',
    '--mirror',
    's3://bucket/path',
    'file:///mnt/mirror',
  ])('source-mirror: %j is data and arrives as it is', (mirror) => {
    expect(resolved({ 'source-mirror': mirror }).sourceMirror).toBe(mirror);
  });

  test.each(['ftp://mirror.test/', 'oci://registry.test/a', 'https://mirror.test/a b', '/mnt/a\nb'])(
    'source-mirror: %j is refused',
    (mirror) => {
      expect(Object.keys(problemsOf({ 'source-mirror': mirror }))).toEqual(['source-mirror']);
    },
  );

  test('output-dir is data and arrives as it is', () => {
    expect(resolved({ 'output-dir': 'out; rm -rf $HOME' }).outputDir).toBe('out; rm -rf $HOME');
  });
});

describe('a build cache that machines share', () => {
  test('is read with its login and its service', () => {
    const options = resolved({
      'build-cache': 's3://bucket/prefix',
      'build-cache-login': ' KEY_ID  KEY_SECRET\tSESSION ',
      'build-cache-endpoint': 'https://s3.example.org',
    });
    expect(options.buildCache).toEqual({ kind: 's3', url: 's3://bucket/prefix' });
    expect(options.buildCacheLogin).toEqual({ id: 'KEY_ID', secret: 'KEY_SECRET', token: 'SESSION' });
    expect(options.buildCacheEndpoint).toBe('https://s3.example.org');
  });

  test.each<[Record<string, string>, Record<string, RegExp>]>([
    [{ 'build-cache': 'oci://ghcr.io/a:latest' }, { 'build-cache': /'oci:\/\/ghcr\.io\/a:latest' is not/ }],
    // A login is not repeated.
    [{ 'build-cache': 'oci://me:hunter2@ghcr.io/a' }, { 'build-cache': /^'oci:\/\/ghcr\.io\/a' is not/ }],
    [
      { 'build-cache-login': 'A B', 'build-cache-endpoint': 'http://x' },
      { 'build-cache-login': /no build-cache/, 'build-cache-endpoint': /no build-cache/ },
    ],
    [
      { 'build-cache': '/folder', 'build-cache-login': 'A B', 'build-cache-endpoint': 'http://x' },
      { 'build-cache-login': /a folder has no login/, 'build-cache-endpoint': /only S3 has one/ },
    ],
    [
      { 'build-cache': 'oci://ghcr.io/a', 'build-cache-login': 'A B C' },
      { 'build-cache-login': /Leave the third/ },
    ],
    [
      { 'build-cache': 'oci+http://localhost:5000/a', 'build-cache-login': 'A B' },
      { 'build-cache-login': /without TLS Spack sends none/ },
    ],
    [
      { 'build-cache': 'oci://ghcr.io/a', 'build-cache-login': 'me hunter2!' },
      { 'build-cache-login': /^it must be the names of two environment variables/ },
    ],
  ])('%j is refused', (given, expected) => {
    const problems = problemsOf(given);
    expect(Object.keys(problems).sort()).toEqual(Object.keys(expected).sort());
    for (const [input, pattern] of Object.entries(expected)) expect(problems[input]).toMatch(pattern);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});
