import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ContainerError } from '../../../src/base/errors.js';
import {
  buildArguments,
  definitionDigest,
  ensureImage,
  ensureShareImage,
  type ImageDefinition,
  imageTag,
} from '../../../src/container/image.js';
import {
  type Answer,
  fakeProcess,
  host,
  readFiles,
  recordingLogger,
  temporaryFolder,
  toolchain,
} from '../../support/fakes.js';

const digest = `sha256:${'d'.repeat(64)}`;
const definition: ImageDefinition = {
  toolchain: toolchain(),
  dockerfile: 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n',
  requirements: 'clingo==5.8.0\n',
  containerImage: undefined,
};
const pinned = { ...definition, toolchain: toolchain({ base: { image: 'debian:bookworm', digest } }) };
const packages = 'autotools-dev gcc libdbus-1-dev libmunge-dev make patchelf python3 python3-venv';

describe('the digest of a definition', () => {
  const lean = toolchain();

  test.each<[string, ImageDefinition]>([
    ['the base', pinned],
    ["the user's image", { ...definition, containerImage: 'debian:12' }],
    ['the Dockerfile', { ...definition, dockerfile: 'FROM scratch\n' }],
    ['the Python modules', { ...definition, requirements: 'clingo==5.8.1\n' }],
    [
      'the packages',
      { ...definition, toolchain: { ...lean, buildPackages: [...lean.buildPackages, 'git'] } },
    ],
  ])('changes with %s, and so does the tag', (_, other) => {
    expect(definitionDigest(other)).not.toBe(definitionDigest(definition));
    expect(imageTag(other)).not.toBe(imageTag(definition));
  });

  test('does not change with the order of the packages', () => {
    const turned = { ...lean, buildPackages: [...lean.buildPackages].reverse() };
    expect(definitionDigest({ ...definition, toolchain: turned })).toBe(definitionDigest(definition));
  });

  test('the tag shows the toolchain and the beginning of the digest', () => {
    expect(imageTag(definition)).toBe(
      `slurm-factory/builder:bookworm-${definitionDigest(definition).slice(0, 16)}`,
    );
  });
});

test('buildArguments: base, packages and the names of proxy settings, one word each', () => {
  const proxy = { http_proxy: 'http://me:secret@proxy:3128', no_proxy: 'a, b' };
  expect(buildArguments(definition, 'the:tag', `debian@${digest}`, host({ proxy }), '/the context')).toEqual([
    'build',
    '--tag',
    'the:tag',
    '--label',
    'slurm-factory=builder',
    '--label',
    `slurm-factory.base=debian@${digest}`,
    '--build-arg',
    `BASE_IMAGE=debian@${digest}`,
    '--build-arg',
    'PYTHON=python3',
    '--build-arg',
    'PYTHON_PACKAGES=python3 python3-venv',
    '--build-arg',
    `PACKAGES=${packages}`,
    '--build-arg',
    'http_proxy',
    '--build-arg',
    'no_proxy',
    '/the context',
  ]);
});

/** An engine: what it has, and what its registry serves. */
function engine(facts: {
  images?: string[];
  registry?: Record<string, string>;
  build?: Answer;
  label?: string;
}) {
  const images = new Set(facts.images);
  return fakeProcess((command) => {
    const [, verb, ...words] = command;
    if (verb === 'pull') {
      const name = words.at(-1) ?? '';
      if (facts.registry?.[name] === undefined)
        return { exitCode: 1, stderr: 'try again\nno such host: registry' };
      images.add(name);
    } else if (verb === 'image') {
      const name = words.find((word) => !/^(inspect|--format|\{\{.*)$/.test(word)) ?? '';
      if (!images.has(name)) return { exitCode: 1, stderr: `No such image: ${name}` };
      if (command.join(' ').includes('.Config.Labels')) return { stdout: `${facts.label ?? ''}\n` };
      const served = facts.registry?.[name];
      return { stdout: JSON.stringify(served === undefined ? [] : [served]) };
    } else if (verb === 'build') return facts.build;
    return undefined;
  });
}

test("a proxy's password is in the engine's environment, on no command line", async () => {
  const proxy = { https_proxy: 'http://me:secret@proxy:3128' };
  const process = engine({ images: ['debian:bookworm'] });
  const context = join(await temporaryFolder(), 'context');
  const ports = { process, logger: recordingLogger(), env: { PATH: '/bin' } };
  await ensureImage('docker', definition, host({ proxy }), context, ports);
  expect(process.lines.join('\n')).not.toContain('secret');
  const build = process.calls.find(({ command }) => command[1] === 'build');
  expect(build?.options.env).toEqual({ PATH: '/bin', ...proxy });
});

describe('ensureImage', () => {
  const ensure = async (process: ReturnType<typeof engine>, given = definition, machine = host()) => {
    const logger = recordingLogger();
    const context = join(await temporaryFolder(), 'context');
    const image = await ensureImage('docker', given, machine, context, { process, logger });
    return { image, logger, context };
  };
  const baseOf = (process: ReturnType<typeof engine>) =>
    process.calls
      .find(({ command }) => command[1] === 'build')
      ?.command.find((word) => word.startsWith('BASE_IMAGE='))
      ?.slice('BASE_IMAGE='.length);

  test('an image that the engine has is neither pulled nor built', async () => {
    const process = engine({ images: [imageTag(definition)] });
    const { image } = await ensure(process);
    expect(image).toEqual({ tag: imageTag(definition), reused: true, base: undefined });
    expect(process.lines).toEqual([expect.stringMatching(/^docker image inspect /)]);
  });

  test.each([
    [`debian@${digest}`, `debian@${digest}`],
    ['<no value>', undefined],
  ])('it says what it was made from: %s', async (label, base) => {
    const { image } = await ensure(engine({ images: [imageTag(definition)], label }));
    expect(image.base).toBe(base);
  });

  test.each<[string, ImageDefinition, Parameters<typeof engine>[0], string]>([
    [
      'a name is built from the digest that the registry serves',
      definition,
      { registry: { 'debian:bookworm': `debian@${digest}` } },
      `debian@${digest}`,
    ],
    [
      'Podman writes the registry out',
      definition,
      { registry: { 'debian:bookworm': `docker.io/library/debian@${digest}` } },
      `docker.io/library/debian@${digest}`,
    ],
    [
      "Docker's registry by its name",
      { ...definition, containerImage: 'docker.io/rockylinux/rockylinux:9' },
      { registry: { 'docker.io/rockylinux/rockylinux:9': `rockylinux/rockylinux@${digest}` } },
      `rockylinux/rockylinux@${digest}`,
    ],
    [
      'a registry without digests: by name',
      { ...definition, containerImage: 'local.test/debian' },
      { registry: { 'local.test/debian': '' } },
      'local.test/debian',
    ],
    ["no registry: the machine's own image", definition, { images: ['debian:bookworm'] }, 'debian:bookworm'],
    [
      'no registry for a pinned digest: the image of that name',
      pinned,
      { images: ['debian:bookworm'] },
      'debian:bookworm',
    ],
  ])('%s', async (_, given, facts, base) => {
    const process = engine(facts);
    const { image } = await ensure(process, given);
    expect(image.reused).toBe(false);
    expect(image.base || given.containerImage).toBe(base);
  });

  test('taking the machine’s own image is told', async () => {
    const { logger } = await ensure(engine({ images: ['debian:bookworm'] }), pinned);
    expect(logger.of('notice')).toEqual([expect.stringContaining('debian:bookworm')]);
  });

  test('the build gets the base that was found', async () => {
    const process = engine({ registry: { 'debian:bookworm': `debian@${digest}` } });
    await ensure(process);
    expect(baseOf(process)).toBe(`debian@${digest}`);
  });

  test('neither a registry nor an image: the error names the image and says what the engine said', async () => {
    const process = engine({});
    await expect(ensure(process)).rejects.toThrow(ContainerError);
    await expect(ensure(process)).rejects.toThrow(/debian:bookworm.*no such host: registry/);
    expect(process.lines.some((line) => line.startsWith('docker build'))).toBe(false);
  });

  test('a build that fails is a ContainerError with its last line', async () => {
    const process = engine({
      images: ['debian:bookworm'],
      build: { exitCode: 1, stdout: 'Step 1/5\n', stderr: 'E: Unable to fetch some archives\n\n' },
    });
    const attempt = ensure(process);
    await expect(attempt).rejects.toThrow(ContainerError);
    await expect(attempt).rejects.toThrow(/E: Unable to fetch some archives/);
  });

  test("the context has what the Dockerfile copies, with the host's CA bundle where there is one", async () => {
    const ca = join(await temporaryFolder({ 'ca.crt': 'PEM' }), 'ca.crt');
    for (const caBundle of [undefined, ca]) {
      const process = engine({ images: ['debian:bookworm'] });
      const { context } = await ensure(process, definition, host({ caBundle }));
      const files = await readFiles(context);
      expect(files['Dockerfile']).toBe(definition.dockerfile);
      expect(Object.values(files)).toContain(definition.requirements);
      expect(files['ca/ca-bundle.crt']).toBe(caBundle === undefined ? undefined : 'PEM');
      expect(process.lines.at(-1)?.endsWith(` ${context}`)).toBe(true);
    }
  });
});

describe('the image that works with shared build caches', () => {
  const share = {
    toolchain: toolchain(),
    builder: 'slurm-factory/builder:bookworm-0123',
    dockerfile: 'ARG BUILDER_IMAGE\nFROM ${BUILDER_IMAGE}\n',
    requirements: 'boto3==1\n',
  };
  const make = async (answers: Record<string, Answer>, change: Partial<typeof share> = {}) => {
    const process = fakeProcess(([, verb = '']) => answers[verb]);
    const context = join(await temporaryFolder(), 'context');
    const ports = { process, logger: recordingLogger(), env: {} };
    const made = ensureShareImage('podman', { ...share, ...change }, host(), context, ports);
    return { made, process, context };
  };

  test('is made once from a builder image, and has a name for each', async () => {
    const { made, process, context } = await make({ image: { exitCode: 1 } });
    const tag = await made;
    expect(tag).toMatch(/^slurm-factory\/share:bookworm-[0-9a-f]{16}$/);
    expect(process.lines[1]).toContain(`build --tag ${tag} `);
    expect(process.lines[1]).toContain(`--build-arg BUILDER_IMAGE=${share.builder}`);
    expect(Object.keys(await readFiles(context)).sort()).toEqual([
      'Dockerfile',
      'ca/README',
      's3-requirements.txt',
    ]);
    const other = await make({}, { builder: 'slurm-factory/builder:bookworm-4567' });
    expect(await other.made).not.toBe(tag);
    expect(other.process.lines).toHaveLength(1);
  });

  test('that can not be made says so', async () => {
    const { made } = await make({ image: { exitCode: 1 }, build: { exitCode: 1, stderr: 'no pip' } });
    await expect(made).rejects.toThrow(ContainerError);
    await expect(made).rejects.toThrow(/image for shared build caches could not be made: no pip/);
  });
});
