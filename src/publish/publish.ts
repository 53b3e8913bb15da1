import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PublishError } from '../base/errors.js';
import type { Logger, ProcessRunner, WebClient } from '../base/ports.js';
import { signatureName, signedFiles } from '../bundle/catalogue.js';
import type { Env } from '../bundle/gpg.js';
import { type BundleFile, describeFile } from '../bundle/sums.js';
import { verifyResults } from '../bundle/verify.js';
import { assemble, readSite } from './assemble.js';
import { checkRelease, readSums } from './check.js';
import type { Knowledge, VerifiedResult } from './entries.js';
import { compareWithPlan, type ExpectedTarget } from './expected.js';
import { copyResults, findResults } from './gather.js';
import type { ReleaseHost } from './host.js';
import { notesFile, releaseFiles } from './names.js';
import { previousRelease } from './previous.js';
import { asGoodAs } from './proofs.js';
import type { ReleaseSource } from './source.js';
import { takeOver } from './take-over.js';
import { downloadAll, type Patience, publishTo } from './to-host.js';

/** What is to be published, with absolute paths. */
export interface PublishRequest {
  /** Folder of the project's files. */
  readonly root: string;
  readonly known: Knowledge;
  /** Folder with the results, in it or in folders of it. */
  readonly results: string;
  /** undefined where nothing says what there should be */
  readonly planned: readonly ExpectedTarget[] | undefined;
  /** Of these, what the release before has and nobody has built anew. */
  readonly takeOver: readonly ExpectedTarget[];
  readonly allowMissing: boolean;
  /** Folder for the release. */
  readonly folder: string;
  /** Folder for what GitHub Pages shows. */
  readonly pages: string | undefined;
  /** What the release is called. */
  readonly name: string;
  /** Address of the files, with a slash at its end. */
  readonly downloads: string | undefined;
  /** Address of the release for people. */
  readonly page: string | undefined;
  /** Folder, file or address of the index to compare with; `off` for none. */
  readonly previous: string | undefined;
  /** Key file that the results must be signed with. */
  readonly publicKey: string | undefined;
  readonly signing: { readonly privateKey: string; readonly passphrase: string } | undefined;
  /** The release on GitHub; undefined for a folder alone. */
  readonly github:
    | { readonly tag: string; readonly title: string; readonly commit: string | undefined }
    | undefined;
}

/** What publishing needs of the world. */
export interface PublishPorts {
  readonly process: ProcessRunner;
  readonly web: WebClient;
  readonly logger: Logger;
  readonly env: Env;
  readonly signal: AbortSignal;
  /** Where releases are; needed with `github`. */
  readonly host?: ReleaseHost | undefined;
  /** Attests the files, and gives the bundle; undefined where that could not be. */
  readonly attest?: (files: readonly BundleFile[]) => Promise<unknown>;
  /** Told of the folder that has the key while files are signed. */
  readonly onFolder?: (folder: string) => void;
  readonly patience?: Patience;
}

/** What was published. */
export interface PublishReport {
  readonly name: string;
  readonly folder: string;
  readonly targets: readonly string[];
  /** Targets that were planned and are not there. */
  readonly missing: readonly string[];
  readonly files: readonly BundleFile[];
  /** Of the key that the sums are signed with. */
  readonly fingerprint: string | undefined;
  /** The release on GitHub: its address, and whether it was there before. */
  readonly release: { readonly tag: string; readonly url: string; readonly before: boolean } | undefined;
  readonly notes: string;
}

/**
 * Gathers results, verifies them, makes a release of them in a folder, and publishes it where a tag is named. All or
 * nothing: the folder comes into its place when it is whole, and a release is public when all of it is there.
 * @throws PackagingError for results that are not sound, PublishError, InputError, SigningError
 */
export async function publish(request: PublishRequest, ports: PublishPorts): Promise<PublishReport> {
  const { logger, host, process, env } = ports;
  await requireOwnFolder(request.folder);
  await mkdir(dirname(request.folder), { recursive: true });
  const work = await mkdtemp(`${request.folder}.partial-`);
  try {
    const { name, downloads, page, known, signing } = request;
    const needed = request.takeOver.length > 0;
    const before = await previousRelease(request.previous, request.github?.tag, needed, ports);
    const { results, missing } = await gather(request, work, before, ports);
    const made = await assemble(
      {
        ...{ folder: work, results, known, previous: before?.index, signing, env },
        facts: { name, downloads, page, missing },
        templates: await readSite(request.root),
        ...(ports.onFolder === undefined ? {} : { onFolder: ports.onFolder }),
      },
      process,
      logger,
    );
    const { fingerprint } = made;
    const checks = { env, fingerprint, publicKey: request.publicKey };
    await checkRelease(work, checks, process);
    await replaceFolder(work, request.folder);
    const release =
      request.github === undefined || host === undefined
        ? undefined
        : await toGitHub({ ...request, github: request.github }, { ...ports, host }, made.notes, checks);
    if (request.pages !== undefined) await writePages(request.folder, request.pages);
    return {
      ...{ name, folder: request.folder, missing, fingerprint, release, notes: made.notes },
      targets: made.index.targets.map(({ identifier }) => identifier),
      files: await filesOf(request.folder),
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies the results aside, verifies the copies, and compares them with the plan. */
async function gather(
  request: PublishRequest,
  work: string,
  before: ReleaseSource | undefined,
  { logger, process, env }: PublishPorts,
): Promise<{ results: VerifiedResult[]; missing: readonly string[] }> {
  const { results: root, publicKey, planned, allowMissing, folder, pages } = request;
  const except = [folder, work, ...(pages === undefined ? [] : [pages])];
  const found = await findResults(root, except);
  for (const identifier of found.failed)
    logger.warning(`${identifier}: its smoke test failed; there is the report of it, and no result.`);
  await copyResults(root, found, work);
  await takeOver(request.takeOver, before, work, logger);
  const options = { env, ...(publicKey === undefined ? {} : { publicKey }) };
  const { report, results } = await verifyResults(work, options, process);
  for (const note of report.notes) logger.info(note);
  const signed = new Map(report.targets.map((target) => [target.identifier, target.signed]));
  const verified = [...results].map(([identifier, result]) => {
    const names = signedFiles(result.files.map(({ name }) => name));
    const own = signed.get(identifier) ?? [];
    return { ...result, signed: names.every((name) => own.includes(name)) };
  });
  const missing = requirePlanned(
    verified.map(({ manifest }) => ({ identifier: manifest.target, contentKey: manifest.contentKey })),
    planned,
    allowMissing,
  );
  logger.info(`${verified.length} targets are sound`);
  if (missing.length > 0) logger.warning(`Planned, and not in the release: ${missing.join(', ')}`);
  return { results: verified, missing };
}

function requirePlanned(
  there: readonly ExpectedTarget[],
  planned: readonly ExpectedTarget[] | undefined,
  allowMissing: boolean,
): readonly string[] {
  const found = there.map(({ identifier, contentKey = '' }) => ({ identifier, contentKey }));
  const { missing, unplanned, other } = compareWithPlan(found, planned);
  const faults = [
    ...(allowMissing ? [] : missing.map((identifier) => `${identifier} is planned, and missing`)),
    ...unplanned.map((identifier) => `${identifier} is not in the plan`),
    ...other.map((identifier) => `${identifier} has another content key than the plan says`),
  ];
  if (faults.length === 0) return missing;
  const more = faults.length - 20;
  const only = unplanned.length === 0 && other.length === 0;
  throw new PublishError(
    [...faults.slice(0, 20), ...(more > 0 ? [`and ${more} more`] : [])].join('\n'),
    only
      ? 'Build what is missing, or publish without it: allow-missing.'
      : 'Publish what this plan is of, or give the plan of these results.',
  );
}

/** All files of the release, without what is only for its text. */
async function filesOf(folder: string): Promise<BundleFile[]> {
  const names = (await readdir(folder)).filter((name) => name !== notesFile).sort();
  return Promise.all(names.map((name) => describeFile(join(folder, name))));
}

async function toGitHub(
  { folder, github }: PublishRequest & { readonly github: NonNullable<PublishRequest['github']> },
  ports: PublishPorts & { readonly host: ReleaseHost },
  notes: string,
  checks: Parameters<typeof checkRelease>[1],
): Promise<PublishReport['release']> {
  const { host, logger, process, env, attest, patience } = ports;
  const { tag } = github;
  const isThere = (await host.list()).some((release) => release.tag === tag && !release.draft);
  if (!isThere && attest !== undefined) {
    const sums = await describeFile(join(folder, releaseFiles.sums));
    const bundle = await attest([...(await attestable(folder)), sums]);
    if (bundle !== undefined) {
      await writeFile(join(folder, releaseFiles.attestation), `${JSON.stringify(bundle)}\n`);
    }
  }
  const files = await filesOf(folder);
  const digest = files.find(({ name }) => name === releaseFiles.sums)?.sha256 ?? '';
  const isAsGood = asGoodAs({ ours: folder, ...checks, env, process });
  const { release, before } = await publishTo(
    host,
    { ...github, notes, folder, files, digest, isAsGood },
    logger,
    patience,
  );
  logger.info(
    before ? `${tag} is published already, with these files` : `${tag} is published: ${release.url}`,
  );
  const again = await mkdtemp(join(tmpdir(), 'slurm-factory-release-'));
  try {
    await downloadAll(
      host,
      release,
      files.map(({ name }) => name),
      again,
    );
    await checkRelease(again, checks, process);
    logger.info(`What was published was fetched again, and is sound: ${files.length} files`);
  } finally {
    await rm(again, { recursive: true, force: true });
  }
  return { tag, url: release.url, before };
}

/** Subjects that one attestation may have. */
const mostSubjects = 1000;

/** The files that the sums list: all of them, or none where they are too many, since the sums have their sums. */
async function attestable(folder: string): Promise<BundleFile[]> {
  const sums = await readSums(folder);
  return sums.length < mostSubjects ? sums.map(([name, sha256]) => ({ name, sha256, size: 0 })) : [];
}

/** Only what was written here before is replaced. */
async function requireOwnFolder(folder: string): Promise<void> {
  const names: string[] = await readdir(folder).catch(() => []);
  if (names.length === 0 || names.includes(releaseFiles.index)) return;
  throw new PublishError(
    `${folder} has files, and is no release that was made here.`,
    'Name a folder that is empty or not there yet, as release-dir.',
  );
}

async function replaceFolder(made: string, place: string): Promise<void> {
  // A web server shall be able to read it.
  await chmod(made, 0o755);
  const old = `${place}.old-${randomBytes(6).toString('hex')}`;
  await rename(place, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(made, place);
  await rm(old, { recursive: true, force: true });
}

/** What a site of GitHub Pages has; the files themselves are where the index says. */
async function writePages(release: string, pages: string): Promise<void> {
  await mkdir(pages, { recursive: true });
  const { index, page, script, sums, key } = releaseFiles;
  const there = await readdir(release);
  const shown: string[] = [page, index, script, sums, signatureName(sums), key];
  for (const name of shown.filter((file) => there.includes(file))) {
    await copyFile(join(release, name), join(pages, `.${basename(name)}.new`));
    await rename(join(pages, `.${basename(name)}.new`), join(pages, name));
  }
  // Without it, what begins with an underscore is left out.
  await writeFile(join(pages, '.nojekyll'), '');
}
