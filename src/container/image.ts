import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContainerError } from '../base/errors.js';
import { sha256 } from '../base/files.js';
import type { Host } from '../base/host.js';
import type { Logger, Ports, ProcessRunner } from '../base/ports.js';
import { lastLine } from '../base/text.js';
import { repositoryArguments } from '../distro/distro.js';
import { baseReference, imagePackages, pythonPackages, type Toolchain } from '../targets/toolchains.js';
import type { EngineProgram } from './confinement.js';
import { engineEnvironment, proxyArguments } from './variables.js';

/** All that makes a builder image. */
export interface ImageDefinition {
  readonly toolchain: Toolchain;
  /** Text of the Dockerfile for toolchains of its package manager. */
  readonly dockerfile: string;
  /** Text of the pinned Python requirements. */
  readonly requirements: string;
  /** Image that takes the place of the toolchain's base. */
  readonly containerImage: string | undefined;
}

/** sha256 over the definition, lower-case hex. */
export function definitionDigest(definition: ImageDefinition): string {
  return sha256(
    JSON.stringify([
      baseReference(definition.toolchain, definition.containerImage),
      toolchainArguments(definition.toolchain),
      definition.dockerfile,
      definition.requirements,
    ]),
  );
}

/** What a toolchain gives the Dockerfile of its package manager. */
const toolchainArguments = (toolchain: Toolchain): Record<string, string> => ({
  PYTHON: toolchain.python,
  PYTHON_PACKAGES: pythonPackages(toolchain).join(' '),
  ...repositoryArguments(toolchain.repositories),
  PACKAGES: imagePackages(toolchain).join(' '),
});

/** sha256 over what a machine must have to build without an image, lower-case hex. */
export function machineDigest({ toolchain, requirements }: ImageDefinition): string {
  return sha256(JSON.stringify(['machine', toolchain.id, imagePackages(toolchain), requirements]));
}

/** `slurm-factory/builder:<toolchain>-<first 16 digits of the definition's digest>` */
export function imageTag(definition: ImageDefinition): string {
  return `slurm-factory/builder:${definition.toolchain.id}-${definitionDigest(definition).slice(0, 16)}`;
}

export interface BuilderImage {
  readonly tag: string;
  /** Whether it was there already. */
  readonly reused: boolean;
  /** What the image was made from, by digest where a registry answered; undefined where nothing says it. */
  readonly base: string | undefined;
}

/**
 * Makes the builder image, unless the engine has it.
 * @param context an empty folder for the build context
 * @throws ContainerError when the base can't be had or the build fails
 */
export async function ensureImage(
  program: EngineProgram,
  definition: ImageDefinition,
  host: Host,
  context: string,
  ports: Pick<Ports, 'process' | 'logger'> & Partial<Pick<Ports, 'env'>>,
): Promise<BuilderImage> {
  const tag = imageTag(definition);
  const format = `{{index .Config.Labels "${baseLabel}"}}`;
  const known = await ports.process.run([program, 'image', 'inspect', '--format', format, tag]);
  if (known.exitCode === 0) {
    const base = known.stdout.trim();
    return { tag, reused: true, base: base === '' || base === '<no value>' ? undefined : base };
  }
  const base = await pullBase(program, baseReference(definition.toolchain, definition.containerImage), ports);
  const files = {
    Dockerfile: definition.dockerfile,
    'clingo-requirements.txt': definition.requirements,
  };
  await writeContext(context, files, host);
  const command = [program, ...buildArguments(definition, tag, base, host, context)] as const;
  const failed = (last: string) =>
    `The builder image for ${definition.toolchain.name} could not be made: ${last}`;
  await runBuild(command, host, ports, failed);
  return { tag, reused: false, base };
}

/** Label of what a builder image was made from. */
const baseLabel = 'slurm-factory.base';

/** `docker build` arguments. */
export function buildArguments(
  definition: ImageDefinition,
  tag: string,
  base: string,
  host: Host,
  context: string,
): string[] {
  const buildArgs = { BASE_IMAGE: base, ...toolchainArguments(definition.toolchain) };
  return [
    'build',
    '--tag',
    tag,
    '--label',
    'slurm-factory=builder',
    '--label',
    `${baseLabel}=${base}`,
    ...argumentWords(buildArgs),
    ...proxyArguments(host.proxy),
    context,
  ];
}

/** What makes the image that works with shared build caches, where a builder image does not do. */
export interface ShareDefinition {
  readonly toolchain: Toolchain;
  /** Tag of the builder image. */
  readonly builder: string;
  readonly dockerfile: string;
  readonly requirements: string;
}

/**
 * Makes the image that works with shared build caches, unless the engine has it.
 * @param context an empty folder for the build context
 * @returns its tag
 * @throws ContainerError
 */
export async function ensureShareImage(
  program: EngineProgram,
  { toolchain, builder, dockerfile, requirements }: ShareDefinition,
  host: Host,
  context: string,
  ports: Pick<Ports, 'process' | 'logger' | 'env'>,
): Promise<string> {
  const digest = sha256(JSON.stringify([builder, dockerfile, requirements]));
  const tag = `slurm-factory/share:${toolchain.id}-${digest.slice(0, 16)}`;
  if ((await ports.process.run([program, 'image', 'inspect', tag])).exitCode === 0) return tag;
  await writeContext(context, { Dockerfile: dockerfile, 's3-requirements.txt': requirements }, host);
  const buildArgs = {
    ...{ BUILDER_IMAGE: builder, PYTHON: toolchain.python },
    PYTHON_PACKAGES: pythonPackages(toolchain).join(' '),
  };
  const words = ['build', '--tag', tag, '--label', 'slurm-factory=share', ...argumentWords(buildArgs)];
  await runBuild([program, ...words, ...proxyArguments(host.proxy), context], host, ports, (last) => {
    return `The image for shared build caches could not be made: ${last}`;
  });
  return tag;
}

const argumentWords = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);

async function runBuild(
  command: readonly [string, ...string[]],
  host: Host,
  ports: Pick<Ports, 'process' | 'logger'> & Partial<Pick<Ports, 'env'>>,
  failed: (lastLine: string) => string,
): Promise<void> {
  const lines: string[] = [];
  const built = await ports.process.run(command, {
    ...(ports.env === undefined ? {} : { env: engineEnvironment(ports.env, host.proxy) }),
    onLine: (line) => {
      lines.push(line);
      ports.logger.info(line);
    },
  });
  if (built.exitCode === 0) return;
  throw new ContainerError(
    failed(lastLine(lines.join('\n')) || 'it said nothing'),
    'Read the lines above; most often a package server could not be reached.',
  );
}

// A registry gives the digest of what it serves; without one, an image of that name on the machine will do.
async function pullBase(
  program: EngineProgram,
  reference: string,
  { process, logger }: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<string> {
  const pulled = await process.run([program, 'pull', '--quiet', reference]);
  const local = reference.replace(/@sha256:[0-9a-f]+$/, '');
  const name = pulled.exitCode === 0 ? reference : local;
  const inspected = await process.run([
    program,
    'image',
    'inspect',
    name,
    '--format',
    '{{json .RepoDigests}}',
  ]);
  if (inspected.exitCode !== 0) {
    throw new ContainerError(
      `The base image ${reference} can't be pulled (${lastLine(pulled.stderr) || 'it said nothing'}) and is not on this machine.`,
      'Check the name and the registry, or name another image with the input container-image.',
    );
  }
  if (pulled.exitCode !== 0) {
    logger.notice(`No registry answers for ${reference}; the machine's own image ${local} is taken.`);
    return local;
  }
  const digests: string[] | null = JSON.parse(inspected.stdout);
  const repository = shortName(local.replace(/:[^/:]+$/, ''));
  const own = Array.isArray(digests)
    ? digests.find((digest) => shortName(digest).startsWith(`${repository}@`))
    : undefined;
  return own ?? reference;
}

// Docker leaves its own registry out of a name, Podman does not.
const shortName = (name: string): string => name.replace(/^docker\.io\/(?:library\/)?/, '');

async function writeContext(
  context: string,
  files: Readonly<Record<string, string>>,
  host: Host,
): Promise<void> {
  await mkdir(join(context, 'ca'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(context, name), text);
  await writeFile(join(context, 'ca', 'README'), "The host's CA bundle, for the stage that fetches.\n");
  if (host.caBundle !== undefined) await copyFile(host.caBundle, join(context, 'ca', 'ca-bundle.crt'));
}
