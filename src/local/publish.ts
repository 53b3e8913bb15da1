import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Env } from '../base/environment.js';
import { InputError } from '../base/errors.js';
import type { PublishOptions } from '../config/publish-options.js';
import type { Project } from '../pipeline/project.js';
import type { Knowledge } from '../publish/entries.js';
import { type ExpectedRelease, parsePlan } from '../publish/expected.js';
import { type PublishPorts, type PublishReport, type PublishRequest, publish } from '../publish/publish.js';
import { githubReleases } from './github.js';

/** What publishing needs beside its inputs, for the command line and the action. */
export interface PublishPlace {
  readonly project: Project;
  /** Absolute path of the folder with the results. */
  readonly results: string;
  /** Folder that relative paths start from. */
  readonly cwd: string;
  /** With the proxy settings, the authorities, and the addresses of GitHub. */
  readonly env: Env;
  /** Commit that a new tag is put at. */
  readonly commit: string | undefined;
  readonly ports: Omit<PublishPorts, 'host' | 'env'>;
}

/**
 * Publishes what the inputs say.
 * @throws InputError, PublishError, PackagingError, SigningError
 */
export async function publishResults(options: PublishOptions, place: PublishPlace): Promise<PublishReport> {
  const { ports, env } = place;
  const request = await requestOf(options, place);
  const { repository, token } = options;
  if (request.github === undefined || repository === undefined || token === undefined) {
    return publish({ ...request, github: undefined }, { ...ports, env });
  }
  const api = env['GITHUB_API_URL'] || 'https://api.github.com';
  const host = await githubReleases({ repository, token, api, env }, ports.logger);
  try {
    return await publish(request, { ...ports, env, host });
  } finally {
    await host.close();
  }
}

async function requestOf(
  options: PublishOptions,
  { project, results, cwd, env, commit }: PublishPlace,
): Promise<PublishRequest> {
  const { tag, title, repository, previous, pagesDir, publicKey } = options;
  const folder = resolve(cwd, options.releaseDir);
  const site = `${env['GITHUB_SERVER_URL'] || 'https://github.com'}/${repository}/releases`;
  const own =
    tag === undefined ? undefined : `${site}/download/${tag.split('/').map(encodeURIComponent).join('/')}`;
  const downloads = options.downloadUrl ?? own;
  const path = (given: string) =>
    /^https?:\/\//.test(given) || given === 'off' ? given : resolve(cwd, given);
  return {
    ...{ root: project.root, results, folder, signing: options.signing },
    allowMissing: options.allowMissing,
    known: await knowledgeOf(project),
    ...expectedOf(await readPlan(options.plan, cwd), previous === 'off'),
    pages: pagesDir === undefined ? undefined : resolve(cwd, pagesDir),
    name: title ?? tag ?? basename(folder),
    downloads: downloads === undefined ? undefined : `${downloads.replace(/\/+$/, '')}/`,
    page: tag === undefined ? undefined : `${site}/tag/${tag.split('/').map(encodeURIComponent).join('/')}`,
    previous: previous === undefined ? undefined : path(previous),
    publicKey: publicKey === undefined ? undefined : resolve(cwd, publicKey),
    github: tag === undefined ? undefined : { tag, title: title ?? tag, commit },
  };
}

/** Without a release before there is nothing that could be taken over. */
function expectedOf(
  plan: ExpectedRelease | undefined,
  alone: boolean,
): Pick<PublishRequest, 'planned' | 'takeOver'> {
  if (plan === undefined) return { planned: undefined, takeOver: [] };
  const takeOver = alone ? [] : plan.released;
  return { planned: [...plan.legs, ...takeOver], takeOver };
}

async function readPlan(plan: string | undefined, cwd: string): Promise<ExpectedRelease | undefined> {
  if (plan === undefined) return undefined;
  if (plan.startsWith('{')) return parsePlan(plan);
  const text = await readFile(resolve(cwd, plan), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError([{ input: 'plan', message: `'${plan}' can't be read (${error.code}).` }]);
  });
  return parsePlan(text);
}

/** What the project's files say of releases and distributions. */
async function knowledgeOf(project: Project): Promise<Knowledge> {
  const { releases, advisories, support, toolchains } = project;
  const loaded = await Promise.all(
    toolchains.map(async (id) => (await project.loadToolchain(id, 'amd64')).toolchain),
  );
  const byId = new Map(loaded.map(({ id, name, os }) => [id, { name, id: os.id, version: os.version }]));
  return { releases, advisories, support, distribution: (toolchain) => byId.get(toolchain) };
}

/** Files of a report, by their paths. */
export const publishedFile = ({ folder }: Pick<PublishReport, 'folder'>, name: string): string =>
  join(folder, name);
