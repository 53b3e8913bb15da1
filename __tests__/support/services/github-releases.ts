import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * GitHub's releases on the loopback: the API, the addresses for uploads, and the storage that downloads are sent on
 * to, on a host of its own. Drafts, files by a release's number, immutable releases, limits and faults.
 */

export interface StoredAsset {
  readonly id: number;
  readonly name: string;
  state: 'starter' | 'uploaded';
  bytes: Buffer;
}

export interface StoredRelease {
  readonly id: number;
  readonly tag_name: string;
  readonly name: string;
  readonly body: string;
  readonly target_commitish: string;
  draft: boolean;
  readonly assets: StoredAsset[];
}

/**
 * - `rate-limit`: 403, and the second at which it is over
 * - `secondary`: 403 with Retry-After
 * - `500`, `502`: that status, nothing done
 * - `lost`: carried out, but the connection drops before the answer
 * - `broken`: an upload whose connection drops half way: what is left is no whole file
 * - `forbidden`: 403, whatever is tried
 */
export type GitHubFault = 'rate-limit' | 'secondary' | '500' | '502' | 'lost' | 'broken' | 'forbidden';

export interface GitHubRule {
  /** Of `POST /repos/o/r/releases`. */
  readonly match: RegExp;
  readonly kind: GitHubFault;
  /** 1 where it is left out */
  readonly times?: number;
}

export interface GitHubOptions {
  readonly token: string;
  /** Nothing of a published release can be changed. */
  readonly immutable?: boolean;
  /** Whether files have their sums; GitHub says them since 2025. */
  readonly digests?: boolean;
  readonly rules?: readonly GitHubRule[];
}

export interface GitHubService {
  /** For GITHUB_API_URL. */
  readonly api: string;
  /** For GITHUB_SERVER_URL; what people download from is below it. */
  readonly server: string;
  readonly releases: StoredRelease[];
  /** `POST /repos/o/r/releases 201`, in the order in which they came. */
  readonly log: string[];
  addRule(rule: GitHubRule): void;
  close(): Promise<void>;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: readonly object[] = [],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

const taken = (resource: string, field: string) =>
  new Refusal(422, 'Validation Failed', [{ resource, code: 'already_exists', field }]);

export async function startGitHub(options: GitHubOptions): Promise<GitHubService> {
  const { token, immutable = false, digests = true } = options;
  const rules = (options.rules ?? []).map((rule) => ({ ...rule, left: rule.times ?? 1 }));
  const releases: StoredRelease[] = [];
  const log: string[] = [];
  let lastId = 100;
  const newId = () => ++lastId;
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const storage = `http://localhost:${port}`;

  const shownAsset = (asset: StoredAsset) => ({
    ...{ id: asset.id, name: asset.name, state: asset.state, size: asset.bytes.length },
    digest:
      digests && asset.state === 'uploaded'
        ? `sha256:${createHash('sha256').update(asset.bytes).digest('hex')}`
        : null,
  });
  const shown = (release: StoredRelease, repository: string) => ({
    ...{ id: release.id, tag_name: release.tag_name, name: release.name, body: release.body },
    ...{ draft: release.draft, immutable: immutable && !release.draft },
    html_url: `${origin}/${repository}/releases/tag/${release.tag_name}`,
    upload_url: `${origin}/uploads/repos/${repository}/releases/${release.id}/assets{?name,label}`,
    assets: release.assets.map(shownAsset),
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin);
    const what = `${request.method} ${url.pathname.replace(/^\/api|^\/uploads/, '')}`;
    try {
      const body = await readBody(request);
      const rule = rules.find(({ match, left }) => left > 0 && match.test(what));
      if (rule !== undefined) rule.left -= 1;
      if (rule?.kind === 'broken') {
        addAsset(url, body.subarray(0, body.length / 2), 'starter');
        throw new Drop();
      }
      refuseBy(rule?.kind);
      const answer = serve(request, url, body);
      if (rule?.kind === 'lost') throw new Drop();
      log.push(`${what} ${answer.status}`);
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    } catch (error) {
      if (error instanceof Drop) {
        log.push(`${what} dropped`);
        request.socket.destroy();
        return;
      }
      const refusal = error instanceof Refusal ? error : new Refusal(500, String(error));
      log.push(`${what} ${refusal.status}`);
      response.writeHead(refusal.status, { 'content-type': 'application/json', ...refusal.headers });
      response.end(JSON.stringify({ message: refusal.message, errors: refusal.errors }));
    }
  }

  function find(id: string | undefined): StoredRelease {
    const release = releases.find((item) => String(item.id) === id);
    if (release === undefined) throw new Refusal(404, 'Not Found');
    return release;
  }

  function requireChangeable(release: StoredRelease): void {
    if (immutable && !release.draft) throw new Refusal(422, 'Cannot change an immutable release');
  }

  function addAsset(url: URL, bytes: Buffer, state: StoredAsset['state']): StoredAsset {
    const release = find(/releases\/(\d+)\/assets$/.exec(url.pathname)?.[1]);
    requireChangeable(release);
    const name = url.searchParams.get('name') ?? '';
    if (name === '') throw new Refusal(400, 'no name');
    if (release.assets.some((asset) => asset.name === name)) throw taken('ReleaseAsset', 'name');
    const asset = { id: newId(), name, state, bytes };
    release.assets.push(asset);
    return asset;
  }

  interface Answer {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body: string | Buffer;
  }
  const json = (status: number, value: unknown, headers: Record<string, string> = {}): Answer => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  });
  const bytesOf = (body: Buffer): Answer => ({
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(body.length) },
    body,
  });

  function page(url: URL, items: readonly unknown[]): Answer {
    const size = Number(url.searchParams.get('per_page') ?? 30);
    const number = Number(url.searchParams.get('page') ?? 1);
    const next = new URL(url);
    next.searchParams.set('page', String(number + 1));
    const more = items.length > number * size;
    return json(
      200,
      items.slice((number - 1) * size, number * size),
      more ? { link: `<${next.href}>; rel="next"` } : {},
    );
  }

  function serve(request: IncomingMessage, url: URL, body: Buffer): Answer {
    const path = url.pathname;
    const asset = /^\/storage\/(\d+)$/.exec(path);
    if (asset !== null) {
      // Storage refuses a login of another service.
      if (request.headers.authorization !== undefined) throw new Refusal(400, 'unexpected authorization');
      return bytesOf(findAsset(asset[1]).bytes);
    }
    const download = /^\/([^/]+\/[^/]+)\/releases\/download\/([^/]+)\/([^/]+)$/.exec(path);
    if (download !== null) {
      const release = releases.find((item) => !item.draft && item.tag_name === download[2]);
      const found = release?.assets.find((item) => item.name === decodeURIComponent(download[3] ?? ''));
      if (found === undefined) throw new Refusal(404, 'Not Found');
      return bytesOf(found.bytes);
    }
    const allowed = /^(?:token|Bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1] === token;
    if (request.headers.authorization !== undefined && !allowed) throw new Refusal(401, 'Bad credentials');
    if (path.startsWith('/uploads/')) {
      if (!allowed) throw new Refusal(404, 'Not Found');
      return json(201, shownAsset(addAsset(url, body, 'uploaded')));
    }
    const call = /^\/api\/repos\/([^/]+\/[^/]+)\/releases(?:\/(.*))?$/.exec(path);
    if (call === null) throw new Refusal(404, 'Not Found');
    const [, repository = '', rest] = call;
    return callApi(request, url, body, { repository, rest, allowed });
  }

  function findAsset(id: string | undefined): StoredAsset {
    const found = releases.flatMap((release) => release.assets).find((item) => String(item.id) === id);
    if (found === undefined) throw new Refusal(404, 'Not Found');
    return found;
  }

  function callApi(
    { method, headers }: IncomingMessage,
    url: URL,
    body: Buffer,
    { repository, rest, allowed }: { repository: string; rest: string | undefined; allowed: boolean },
  ): Answer {
    if (method !== 'GET' && !allowed) throw new Refusal(404, 'Not Found');
    const given = method === 'POST' || method === 'PATCH' ? JSON.parse(body.toString() || '{}') : {};
    if (rest === undefined && method === 'GET') {
      const visible = releases.filter((release) => !release.draft || allowed);
      return page(
        url,
        [...visible].reverse().map((release) => shown(release, repository)),
      );
    }
    if (rest === undefined && method === 'POST') {
      const release: StoredRelease = {
        ...{ id: newId(), tag_name: given.tag_name, name: given.name, body: given.body, draft: given.draft },
        ...{ target_commitish: given.target_commitish ?? 'main', assets: [] },
      };
      if (!release.draft && isPublished(release.tag_name)) throw taken('Release', 'tag_name');
      releases.push(release);
      return json(201, shown(release, repository));
    }
    const one = /^assets\/(\d+)$/.exec(rest ?? '');
    if (one !== null && method === 'GET') {
      const asset = findAsset(one[1]);
      if (headers.accept !== 'application/octet-stream') return json(200, shownAsset(asset));
      return { status: 302, headers: { location: `${storage}/storage/${asset.id}` }, body: '' };
    }
    if (one !== null && method === 'DELETE') {
      const asset = findAsset(one[1]);
      const release = releases.find((item) => item.assets.includes(asset));
      if (release !== undefined) {
        requireChangeable(release);
        release.assets.splice(release.assets.indexOf(asset), 1);
      }
      return { status: 204, headers: {}, body: '' };
    }
    const [, id, list] = /^(\d+)(\/assets)?$/.exec(rest ?? '') ?? [];
    const release = find(id);
    if (list !== undefined) return page(url, release.assets.map(shownAsset));
    if (method === 'GET') return json(200, shown(release, repository));
    if (method === 'DELETE') {
      requireChangeable(release);
      releases.splice(releases.indexOf(release), 1);
      return { status: 204, headers: {}, body: '' };
    }
    if (given.draft === false && release.draft && isPublished(release.tag_name))
      throw taken('Release', 'tag_name');
    if (typeof given.draft === 'boolean') release.draft = given.draft;
    return json(200, shown(release, repository));
  }

  const isPublished = (tag: string) => releases.some((item) => item.tag_name === tag && !item.draft);

  return {
    api: `${origin}/api`,
    server: origin,
    releases,
    log,
    addRule: (rule) => void rules.push({ ...rule, left: rule.times ?? 1 }),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

class Drop extends Error {}

function refuseBy(kind: GitHubFault | undefined): void {
  if (kind === '500' || kind === '502') throw new Refusal(Number(kind), 'Server Error');
  if (kind === 'forbidden') throw new Refusal(403, 'Resource not accessible by integration');
  if (kind === 'rate-limit') {
    throw new Refusal(403, 'API rate limit exceeded for installation', [], {
      ...{ 'x-ratelimit-remaining': '0', 'x-ratelimit-limit': '1000' },
      'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 1),
    });
  }
  if (kind === 'secondary') {
    throw new Refusal(403, 'You have exceeded a secondary rate limit. Please wait a few minutes.', [], {
      'retry-after': '1',
    });
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
