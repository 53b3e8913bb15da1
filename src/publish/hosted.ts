import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PublishError } from '../base/errors.js';
import { readPlain, sha256Plain } from '../base/safe.js';
import type { HostedAsset, ReleaseHost } from './host.js';
import { indexLimit, parseIndex } from './index-file.js';
import { releaseFiles } from './names.js';
import { type ReleaseSource, requireSame } from './source.js';

/** How many releases are looked at for an index. */
const lookedAt = 20;

/**
 * The newest release of a host that has an index, for those who may see it: its files come by the host's own calls.
 * @param except tag of a release that is not looked at
 * @returns undefined where there is none
 * @throws PublishError
 */
export async function newestRelease(
  host: ReleaseHost,
  except: string | undefined,
): Promise<ReleaseSource | undefined> {
  const others = (await host.list()).filter((release) => !release.draft && release.tag !== except);
  for (const { id, tag, url } of others.slice(0, lookedAt)) {
    const assets = new Map((await host.assets(id)).map((asset) => [asset.name, asset]));
    if (!assets.has(releaseFiles.index)) continue;
    return openHosted(host, { tag, url, assets });
  }
  return undefined;
}

async function openHosted(
  host: ReleaseHost,
  { tag, url, assets }: { tag: string; url: string; assets: ReadonlyMap<string, HostedAsset> },
): Promise<ReleaseSource> {
  const assetOf = (name: string) => {
    const asset = assets.get(name);
    if (asset !== undefined) return asset;
    throw new PublishError(
      `The release ${tag} has no ${name}.`,
      'Look at that release; or name another one.',
    );
  };
  const read = async (name: string, limit: number) => {
    const asset = assetOf(name);
    const folder = await mkdtemp(join(tmpdir(), 'slurm-factory-asset-'));
    try {
      await host.download(asset, join(folder, 'asset'));
      return await readPlain(folder, 'asset', limit);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const text = (await read(releaseFiles.index, indexLimit)).toString();
  return {
    ...{ index: parseIndex(text, `${releaseFiles.index} of ${tag}`), place: url, read },
    async fetch(file, path) {
      await host.download(assetOf(file.name), path);
      requireSame(file, (await sha256Plain(dirname(path), basename(path), file.size)).sha256);
    },
  };
}
