import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger, ProcessRunner } from '../base/ports.js';
import type { Env } from '../bundle/gpg.js';
import { withKeyring } from '../bundle/signature.js';
import { describeFile, formatSums } from '../bundle/sums.js';
import { type IndexFacts, type Knowledge, makeIndex, type VerifiedResult } from './entries.js';
import { getScript } from './get-script.js';
import { formatIndex, type ReleaseIndex } from './index-file.js';
import { notesFile, releaseFiles } from './names.js';
import { releaseNotes } from './notes.js';
import { releasePage, type SiteTemplates } from './page.js';

/** Texts of site/, which a release's own files are made from. */
export async function readSite(root: string): Promise<SiteTemplates> {
  const read = (name: string) => readFile(join(root, 'site', name), 'utf8');
  const [page, style, program, script] = await Promise.all(
    ['page.html', 'page.css', 'page.js', 'get.sh'].map(read),
  );
  return { page: page ?? '', style: style ?? '', program: program ?? '', script: script ?? '' };
}

/** What a release is made of. */
export interface AssemblyRequest {
  /** Folder that the verified results lie in; the release's own files come beside them. */
  readonly folder: string;
  readonly results: readonly VerifiedResult[];
  readonly facts: Pick<IndexFacts, 'name' | 'downloads' | 'page' | 'missing'>;
  readonly known: Knowledge;
  readonly templates: SiteTemplates;
  /** Index of the release before, where there is one. */
  readonly previous: ReleaseIndex | undefined;
  /** undefined for a release that is not signed */
  readonly signing: { readonly privateKey: string; readonly passphrase: string } | undefined;
  readonly env: Env;
  /** Told of the folder that has the key while files are signed. */
  readonly onFolder?: (folder: string) => void;
}

/** A release as it lies in a folder. */
export interface Assembled {
  readonly index: ReleaseIndex;
  readonly notes: string;
  /** Of the key that SHA256SUMS is signed with. */
  readonly fingerprint: string | undefined;
}

/**
 * Writes a release's own files beside its results: the index, the page, `get.sh`, the sums of all of it, their
 * signature and the notes. The same results give the same bytes, but for the signature.
 */
export async function assemble(
  request: AssemblyRequest,
  process: ProcessRunner,
  logger: Logger,
): Promise<Assembled> {
  const { signing, env } = request;
  if (signing === undefined) return { ...(await writeFiles(request, undefined)), fingerprint: undefined };
  const { folder, onFolder } = request;
  const options = { ...signing, env, logger, ...(onFolder === undefined ? {} : { onFolder }) };
  return withKeyring(process, options, async ({ fingerprint, publicKey, signFiles }) => {
    await writeFile(join(folder, releaseFiles.key), publicKey);
    const made = await writeFiles(request, { fingerprint, key: releaseFiles.key });
    await signFiles([join(folder, releaseFiles.sums)]);
    return { ...made, fingerprint };
  });
}

async function writeFiles(
  { folder, results, facts, known, templates, previous }: AssemblyRequest,
  signing: ReleaseIndex['signing'],
): Promise<Pick<Assembled, 'index' | 'notes'>> {
  const index = makeIndex({ ...facts, results, signing }, known);
  const notes = releaseNotes(index, previous);
  const own = {
    [releaseFiles.index]: formatIndex(index),
    [releaseFiles.page]: releasePage(index, templates),
    [releaseFiles.script]: getScript(templates.script, index),
  };
  for (const [name, text] of Object.entries(own)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, notesFile), notes);
  const described = await Promise.all(Object.keys(own).map((name) => describeFile(join(folder, name))));
  const files = [...results.flatMap((result) => result.files), ...described];
  await writeFile(join(folder, releaseFiles.sums), formatSums(files));
  return { index, notes };
}
