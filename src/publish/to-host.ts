import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { formatBytes } from '../base/bytes.js';
import { PublishError } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import { readPlain, sha256Plain } from '../base/safe.js';
import type { BundleFile } from '../bundle/sums.js';
import { type HostedAsset, type HostedRelease, type ReleaseHost, TakenError } from './host.js';
import { isProof } from './names.js';

/*
 * A draft first, its files by the draft's number, published last: what people see is whole from its first moment, and
 * nothing is changed afterwards, which immutable releases forbid. Each content has a draft of its own, which names it
 * in its text. So publishers of the same share one, publishers of other bytes never mix theirs, and the tag, which can
 * be taken once, says who was first.
 */

/** What is published. */
export interface Publication {
  readonly tag: string;
  readonly title: string;
  readonly notes: string;
  readonly commit: string | undefined;
  /** Folder with the files. */
  readonly folder: string;
  /** All of them. */
  readonly files: readonly BundleFile[];
  /** sha256 of the release's sums: the same for the same content. */
  readonly digest: string;
  /**
   * Whether what somebody else has uploaded is as good as our file of that name, for those that no two runs make
   * alike.
   * @param folder where it lies now
   */
  readonly isAsGood: (name: string, folder: string) => Promise<boolean>;
}

/** How long an upload of somebody else is waited for. */
export interface Patience {
  readonly tries: number;
  readonly milliseconds: number;
}

const usual: Patience = { tries: 20, milliseconds: 3000 };

/** GitHub's limit is 2 GiB, and it takes no more than a thousand files. */
const limits = { bytes: 2 ** 31 - 1, files: 1000 } as const;

/** What came of it. */
export interface Published {
  readonly release: HostedRelease;
  /** It was there already. */
  readonly before: boolean;
}

/**
 * Publishes a release, or finds that it is published with the same bytes.
 * @throws PublishError where the tag has a release with other bytes, and when the service does not do its part
 */
export async function publishTo(
  host: ReleaseHost,
  publication: Publication,
  logger: Logger,
  patience: Patience = usual,
): Promise<Published> {
  requireLimits(publication);
  const found = await publishedOf(host, publication.tag);
  if (found !== undefined) {
    await comparePublished(host, found, publication);
    return { release: found, before: true };
  }
  const { draft, own } = await draftFor(host, publication, logger);
  try {
    const there = await uploadAll(host, draft, publication, logger, patience);
    // Others may have put the last file meanwhile.
    await compareAssets(host, there, publication, `the draft of ${publication.tag}`);
    return { release: await host.publish(draft.id), before: false };
  } catch (error) {
    return afterOthers(host, publication, error, own ? draft : undefined);
  }
}

/**
 * What it means that a draft could not be filled or published: somebody else may have published the same draft, or
 * another one of the tag.
 * @param own the draft, where this publisher has made it
 */
async function afterOthers(
  host: ReleaseHost,
  publication: Publication,
  error: unknown,
  own: HostedRelease | undefined,
): Promise<Published> {
  const other = await publishedOf(host, publication.tag).catch(() => undefined);
  if (other !== undefined) {
    if (own !== undefined && own.id !== other.id) await host.remove(own.id);
    await comparePublished(host, other, publication);
    return { release: other, before: true };
  }
  if (!(error instanceof TakenError)) throw error;
  throw new PublishError(
    `GitHub refuses to publish ${publication.tag}: ${error.message}`,
    'Look at the tag and at the rules for tags of the repository; the draft is complete.',
  );
}

function requireLimits({ files }: Publication): void {
  const large = files.find(({ size }) => size > limits.bytes);
  if (large !== undefined) {
    throw new PublishError(
      `${large.name} has ${formatBytes(large.size)}, and a file of a GitHub release has less than 2 GiB.`,
      'Leave this target out.',
    );
  }
  if (files.length > limits.files) {
    throw new PublishError(
      `The release has ${files.length} files, and a GitHub release has ${limits.files} at most.`,
      'Publish it in parts, each with a tag of its own.',
    );
  }
}

const publishedOf = async (host: ReleaseHost, tag: string): Promise<HostedRelease | undefined> =>
  (await host.list()).find((release) => release.tag === tag && !release.draft);

const markOf = (digest: string): string => `<!-- slurm-factory ${digest} -->`;

/** The draft for this content: the oldest there is, or a new one. */
async function draftFor(
  host: ReleaseHost,
  { tag, title, notes, commit, digest }: Publication,
  logger: Logger,
): Promise<{ readonly draft: HostedRelease; readonly own: boolean }> {
  const oldest = async () =>
    (await host.list())
      .filter((release) => release.draft && release.tag === tag && release.body.includes(markOf(digest)))
      .sort((a, b) => a.id - b.id)[0];
  const found = await oldest();
  if (found !== undefined) {
    logger.info(`Going on with the draft of ${tag} that is there`);
    return { draft: found, own: false };
  }
  const made = await host.create({ tag, title, commit, body: `${shortened(notes)}\n${markOf(digest)}\n` });
  // Another publisher of the same may have begun at the same time.
  const first = (await oldest()) ?? made;
  if (first.id === made.id) return { draft: made, own: true };
  await host.remove(made.id);
  return { draft: first, own: false };
}

/** Characters that a release's text may have on GitHub, less what is put behind it. */
const longestBody = 120_000;

const shortened = (notes: string): string =>
  notes.length <= longestBody ? notes : `${notes.slice(0, longestBody)}\n\n…`;

async function uploadAll(
  host: ReleaseHost,
  draft: HostedRelease,
  publication: Publication,
  logger: Logger,
  patience: Patience,
): Promise<readonly HostedAsset[]> {
  const there = new Map((await host.assets(draft.id)).map((asset) => [asset.name, asset]));
  for (const file of publication.files) {
    if (there.get(file.name)?.whole) continue;
    logger.info(`Uploading ${file.name}, ${formatBytes(file.size)}`);
    await uploadOne(host, draft, publication.folder, file, patience);
  }
  return host.assets(draft.id);
}

async function uploadOne(
  host: ReleaseHost,
  draft: HostedRelease,
  folder: string,
  { name, size }: BundleFile,
  { tries, milliseconds }: Patience,
): Promise<void> {
  const bytes = await readPlain(folder, name, size);
  for (let left = tries; ; left -= 1) {
    try {
      return await host.upload(draft.id, name, bytes);
    } catch (error) {
      if (!(error instanceof TakenError)) throw error;
    }
    const other = (await host.assets(draft.id)).find((asset) => asset.name === name);
    if (other?.whole) return;
    if (left <= 0) {
      throw new PublishError(
        `${name} can't be uploaded: an upload that broke off is in its way.`,
        'Publish again; the draft is taken up where it is.',
      );
    }
    // Somebody else's upload, or what one that broke off has left.
    if (other !== undefined && left === 1) await host.removeAsset(other.id);
    else await wait(milliseconds);
  }
}

/** Compares a release that is there with what is to be; nothing of it is changed. */
async function comparePublished(
  host: ReleaseHost,
  release: HostedRelease,
  publication: Publication,
): Promise<void> {
  await compareAssets(host, await host.assets(release.id), publication, `the release ${release.tag}`);
}

async function compareAssets(
  host: ReleaseHost,
  assets: readonly HostedAsset[],
  publication: Publication,
  what: string,
): Promise<void> {
  const there = new Map(assets.map((asset) => [asset.name, asset]));
  const faults: string[] = [];
  for (const file of publication.files) {
    const asset = there.get(file.name);
    if (asset === undefined || !asset.whole) faults.push(`${file.name} is missing`);
    else if (!(await isSame(host, asset, file, publication))) faults.push(`${file.name} has other bytes`);
  }
  if (faults.length === 0) return;
  const shown = faults.slice(0, 10).join('; ');
  const more = faults.length - 10;
  throw new PublishError(
    `There is ${what} already, with other files than this one: ${shown}${more > 0 ? ` and ${more} more` : ''}.`,
    'Nothing was changed. Choose another tag, or remove that release first.',
  );
}

async function isSame(
  host: ReleaseHost,
  asset: HostedAsset,
  file: BundleFile,
  { isAsGood }: Publication,
): Promise<boolean> {
  if (asset.sha256 !== undefined && asset.sha256 === file.sha256 && asset.size === file.size) return true;
  if (!isProof(file.name) && (asset.size !== file.size || asset.sha256 !== undefined)) return false;
  const folder = await mkdtemp(join(tmpdir(), 'slurm-factory-asset-'));
  try {
    await host.download(asset, join(folder, asset.name));
    const { sha256 } = await sha256Plain(folder, asset.name);
    return sha256 === file.sha256 || (isProof(file.name) && (await isAsGood(file.name, folder)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Brings all files of a release to a folder, as its readers get them.
 * @param names those that are wanted; the release may have more
 */
export async function downloadAll(
  host: ReleaseHost,
  release: HostedRelease,
  names: readonly string[],
  folder: string,
): Promise<void> {
  const there = new Map((await host.assets(release.id)).map((asset) => [asset.name, asset]));
  for (const name of names) {
    const asset = there.get(name);
    if (asset === undefined) {
      throw new PublishError(
        `${name} is not in the release ${release.tag} that was just published.`,
        'Look at the release; publish again under another tag.',
      );
    }
    await host.download(asset, join(folder, name));
  }
}
