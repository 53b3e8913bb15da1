import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import type { Env } from '../base/environment.js';
import { PublishError } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import {
  type HostedAsset,
  type HostedRelease,
  type NewRelease,
  type ReleaseHost,
  TakenError,
} from '../publish/host.js';
import { proxiedFetch } from './web.js';

/** GitHub's releases, by GitHub's own client: it waits where it is told to, and asks again where the service breaks. */

export interface GitHubPlace {
  /** `owner/name` */
  readonly repository: string;
  readonly token: string;
  /** Address of the API, `https://api.github.com`. */
  readonly api: string;
  /** Proxy settings and authorities. */
  readonly env: Env;
  /** How quickly it goes, where not as GitHub asks for: options of the client's plugins, for tests. */
  readonly pace?: { readonly retry: object; readonly throttle: object };
}

/** How often one call is tried again where the service is busy. */
const mostTries = 8;

const Client = Octokit.plugin(paginateRest, retry, throttling);
type Client = InstanceType<typeof Client>;

/**
 * The releases of a repository. `close` ends its connections.
 * @throws PublishError, by all its calls
 */
export async function githubReleases(
  place: GitHubPlace,
  logger: Logger,
): Promise<ReleaseHost & { readonly close: () => Promise<void> }> {
  const { repository, api, env } = place;
  const [owner = '', repo = ''] = repository.split('/');
  const { fetch, close } = await proxiedFetch(api, env);
  const client = openClient(place, fetch, logger);
  const at = { owner, repo } as const;
  const releases = '/repos/{owner}/{repo}/releases' as const;
  const told = <T>(what: string, call: Promise<T>): Promise<T> =>
    call.catch((error) => explain(error, what, place));
  return {
    repository,
    close,
    list: async () =>
      (await told('list the releases', client.paginate(`GET ${releases}`, { ...at, per_page: 100 }))).map(
        hosted,
      ),
    find: async (id) => {
      const asked = client.request(`GET ${releases}/{release_id}`, { ...at, release_id: id });
      const found = await gone(told('look at a release', asked));
      return found === undefined ? undefined : hosted(found.data);
    },
    create: async (release) => {
      const made = await told(
        'make a release',
        client.request(`POST ${releases}`, { ...at, ...draftOf(release) }),
      );
      return hosted(made.data);
    },
    remove: async (id) => {
      const asked = client.request(`DELETE ${releases}/{release_id}`, { ...at, release_id: id });
      await gone(told('remove a draft', asked));
    },
    assets: async (id) => {
      const route = `GET ${releases}/{release_id}/assets` as const;
      const asked = client.paginate(route, { ...at, release_id: id, per_page: 100 });
      return (await told("list a release's files", asked)).map(hostedAsset);
    },
    upload: async (id, name, bytes) => {
      const { data } = await told(
        'look at a release',
        client.request(`GET ${releases}/{release_id}`, { ...at, release_id: id }),
      );
      await told(`upload ${name}`, uploadTo(client, data.upload_url, name, bytes));
    },
    removeAsset: async (id) => {
      const asked = client.request(`DELETE ${releases}/assets/{asset_id}`, { ...at, asset_id: id });
      await gone(told("remove a draft's file", asked));
    },
    download: async (asset, file) => {
      await told(`download ${asset.name}`, downloadAsset(client, at, asset, file));
    },
    publish: async (id) => {
      const route = `PATCH ${releases}/{release_id}` as const;
      const done = await told(
        'publish a release',
        client.request(route, { ...at, release_id: id, draft: false }),
      );
      return hosted(done.data);
    },
  };
}

function openClient({ token, api, pace }: GitHubPlace, fetch: unknown, logger: Logger): Client {
  const again = (after: number, what: string, tries: number): boolean => {
    if (tries >= mostTries) return false;
    logger.info(`GitHub asks to wait (${what}): going on in ${after} s`);
    return true;
  };
  const quiet = (line: string) => logger.debug(line);
  return new Client({
    auth: token,
    baseUrl: api,
    userAgent: 'slurm-factory',
    request: { fetch },
    log: { debug: () => {}, info: () => {}, warn: quiet, error: quiet },
    // What the service refuses for what it is, it refuses again.
    retry: { doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451], retries: 4, ...pace?.retry },
    throttle: {
      onRateLimit: (after, _options, _client, tries) => again(after, 'rate limit', tries),
      onSecondaryRateLimit: (after, _options, _client, tries) => again(after, 'secondary rate limit', tries),
      ...pace?.throttle,
    },
  });
}

const draftOf = ({ tag, title, body, commit }: NewRelease) => ({
  ...{ tag_name: tag, name: title, body, draft: true },
  ...(commit === undefined ? {} : { target_commitish: commit }),
});

// The release's own address for uploads has its number in it.
async function uploadTo(client: Client, address: string, name: string, bytes: Buffer): Promise<void> {
  await client.request({
    method: 'POST',
    url: address,
    headers: { 'content-type': 'application/octet-stream', 'content-length': bytes.length },
    name,
    data: bytes,
  });
}

async function downloadAsset(
  client: Client,
  at: { readonly owner: string; readonly repo: string },
  { id, size }: HostedAsset,
  path: string,
): Promise<void> {
  const { data } = await client.request('GET /repos/{owner}/{repo}/releases/assets/{asset_id}', {
    ...{ ...at, asset_id: id },
    headers: { accept: 'application/octet-stream' },
    request: { parseSuccessResponseBody: false },
  });
  const body = data as unknown as AsyncIterable<Uint8Array>;
  const file = await open(path, 'wx', 0o644);
  try {
    const hash = createHash('sha256');
    let length = 0;
    for await (const part of body) {
      length += part.length;
      if (length > size) throw new Error('it has more bytes than its release says');
      hash.update(part);
      await file.writeFile(part);
    }
    if (length < size) throw new Error('it broke off');
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

const hosted = (release: {
  readonly id: number;
  readonly tag_name: string;
  readonly draft: boolean;
  readonly body?: string | null;
  readonly html_url: string;
}): HostedRelease => ({
  id: release.id,
  tag: release.tag_name,
  draft: release.draft,
  body: release.body ?? '',
  url: release.html_url,
});

const hostedAsset = (asset: {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly state: string;
  readonly digest?: string | null;
}): HostedAsset => ({
  ...{ id: asset.id, name: asset.name, size: asset.size, whole: asset.state === 'uploaded' },
  sha256: /^sha256:([0-9a-f]{64})$/.exec(asset.digest ?? '')?.[1],
});

const statusOf = (error: unknown): number | undefined => {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' ? status : undefined;
};

class GoneError extends PublishError {}

/** What is not there any more, as undefined. */
const gone = <T>(call: Promise<T>): Promise<T | undefined> =>
  call.catch((error: unknown) => {
    if (error instanceof GoneError) return undefined;
    throw error;
  });

function explain(error: unknown, what: string, { repository, token }: GitHubPlace): never {
  const status = statusOf(error);
  const reason = (error instanceof Error ? error.message : String(error)).split(' - https://docs')[0] ?? '';
  if (status === 422 && /already[_ ]exists/.test(JSON.stringify(responseOf(error)) + reason)) {
    throw new TakenError(reason);
  }
  const message = `GitHub would not ${what} of ${repository}: ${reason}.`;
  if (status === 404) throw new GoneError(message, token === '' ? noToken : mayNot);
  if (status === 401 || status === 403) throw new PublishError(message, token === '' ? noToken : mayNot);
  throw new PublishError(message, 'Publish again: what is there already is taken up.', { cause: error });
}

const noToken = 'Give a token: github-token, or --github-token-file on the command line.';
const mayNot =
  'Look at the name of the repository, and give the job the permission contents: write (a token of your own: write access to its contents).';

const responseOf = (error: unknown): unknown => {
  const { response } = error as { response?: { data?: unknown } };
  return response?.data ?? '';
};
