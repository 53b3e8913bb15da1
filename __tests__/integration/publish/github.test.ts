import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type GitHubPlace, githubReleases } from '../../../src/local/github.js';
import { latestIndex } from '../../../src/local/latest.js';
import { nodeProcess } from '../../../src/local/process.js';
import { nodeWeb } from '../../../src/local/web.js';
import { type PublishReport, type PublishRequest, publish } from '../../../src/publish/publish.js';
import { type RecordingLogger, recordingLogger } from '../../support/fakes.js';
import { makeSigningKey } from '../../support/gpg.js';
import { temporaryFolder } from '../../support/prepare.js';
import { publishRequest, writeResults } from '../../support/release.js';
import {
  type GitHubOptions,
  type GitHubService,
  startGitHub,
} from '../../support/services/github-releases.js';

/** A release on GitHub, by GitHub's own client, on a service that answers as GitHub does. */

const token = 'ghs_0123456789';
const target = 'slurm-24.11.6-glibc2.34-amd64';
const folders: string[] = [];
const services: GitHubService[] = [];
let key: string;

beforeAll(() => {
  key = makeSigningKey(join(temporaryFolder('publish-key'), 'gpg'), '');
});

afterEach(async () => {
  for (const service of services.splice(0)) await service.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Neither waits a second between two changes nor some seconds before it asks again. */
const pace: GitHubPlace['pace'] = {
  retry: { retryAfterBaseValue: 5 },
  throttle: {
    retryAfterBaseValue: 5,
    ...Object.fromEntries(
      ['write', 'notifications'].map((name) => [
        name,
        { key: () => ({ schedule: (_: object, task: () => Promise<void>) => task() }) },
      ]),
    ),
  },
};

async function start(options: Partial<GitHubOptions> = {}): Promise<GitHubService> {
  const service = await startGitHub({ token, ...options });
  services.push(service);
  return service;
}

async function results(content?: string): Promise<string> {
  const folder = temporaryFolder('publish');
  folders.push(folder);
  await writeResults(join(folder, 'results'), [target], () => (content === undefined ? {} : { content }));
  return folder;
}

async function run(
  service: GitHubService,
  folder: string,
  change: Partial<PublishRequest> & {
    readonly token?: string;
    readonly attest?: () => Promise<unknown>;
  } = {},
): Promise<PublishReport & { readonly logger: RecordingLogger }> {
  const { token: own = token, attest, ...more } = change;
  const logger = recordingLogger();
  const place = { repository: 'site/slurm', token: own, api: service.api, env: {}, pace };
  const host = await githubReleases(place, logger);
  const request = publishRequest(folder, {
    downloads: `${service.server}/site/slurm/releases/download/v1/`,
    github: { tag: 'v1', title: 'Slurm', commit: 'c'.repeat(40) },
    ...more,
  });
  try {
    const report = await publish(request, {
      ...{ process: nodeProcess, web: nodeWeb({}), logger, env: process.env, host },
      ...(attest === undefined ? {} : { attest }),
      signal: new AbortController().signal,
      patience: { tries: 4, milliseconds: 10 },
    });
    return { ...report, logger };
  } finally {
    await host.close();
  }
}

const changes = (service: GitHubService): string[] =>
  service.log.filter((line) => /^(?:POST|PATCH|DELETE)/.test(line));
const only = (service: GitHubService) => {
  expect(service.releases).toHaveLength(1);
  const [release] = service.releases;
  if (release === undefined) throw new Error('no release');
  return release;
};
const names = (folder: string): string[] =>
  readdirSync(join(folder, 'release'))
    .filter((name) => name !== 'notes.md')
    .sort();

test('what the newest release has, and nobody has built anew, is taken over from it', async () => {
  const service = await start();
  const first = await results();
  await run(service, first);
  const place = { repository: 'site/slurm', token, api: service.api, env: {}, pace };
  const index = await latestIndex(place, recordingLogger());
  expect(index?.targets.map(({ identifier }) => identifier)).toEqual([target]);
  const other = 'slurm-26.05.3-glibc2.34-amd64';
  const folder = temporaryFolder('publish');
  folders.push(folder);
  await writeResults(join(folder, 'results'), [other]);
  const { contentKey } = index?.targets[0] ?? {};
  const takeOver = [{ identifier: target, contentKey }];
  const report = await run(service, folder, {
    ...{ planned: [{ identifier: other }, ...takeOver], takeOver },
    downloads: `${service.server}/site/slurm/releases/download/v2/`,
    github: { tag: 'v2', title: 'Slurm', commit: 'c'.repeat(40) },
  });
  expect(report.targets.toSorted()).toEqual([target, other].sort());
  expect(report.notes).toContain('26.05.3');
  const [before, now] = ['v1', 'v2'].map((tag) => service.releases.find(({ tag_name }) => tag_name === tag));
  const bytesOf = (assets: readonly { name: string; bytes: Buffer }[] = []) =>
    assets
      .filter(({ name }) => name.startsWith(target))
      .map(({ name, bytes }) => [name, bytes.toString('hex')]);
  expect(bytesOf(now?.assets).sort()).toEqual(bytesOf(before?.assets).sort());
});

test('a repository without a release has none that is the newest', async () => {
  const service = await start();
  const place = { repository: 'site/slurm', token, api: service.api, env: {}, pace };
  expect(await latestIndex(place, recordingLogger())).toBeUndefined();
});

test('a draft first, its files by its number, published last, and fetched again', async () => {
  const service = await start();
  const folder = await results();
  const report = await run(service, folder);
  expect(report.release).toMatchObject({ tag: 'v1', before: false });
  const release = only(service);
  expect(release).toMatchObject({ tag_name: 'v1', draft: false, target_commitish: 'c'.repeat(40) });
  expect(release.assets.map(({ name }) => name).sort()).toEqual(names(folder));
  expect(release.body).toContain('24.11.6');
  const log = changes(service);
  expect(log[0]).toBe('POST /repos/site/slurm/releases 201');
  expect(log.at(-1)).toBe(`PATCH /repos/site/slurm/releases/${release.id} 200`);
  expect(log.slice(1, -1)).toEqual(
    release.assets.map(() => `POST /repos/site/slurm/releases/${release.id}/assets 201`),
  );
  const fetched = service.log
    .slice(service.log.indexOf(log.at(-1) ?? ''))
    .filter((line) => line.includes('/storage/'));
  expect(fetched).toHaveLength(release.assets.length);
  expect(report.logger.of('info').at(-1)).toContain('was fetched again, and is sound');
});

test.each([true, false])('again, it is compared, and nothing is changed (sums told: %s)', async (digests) => {
  const service = await start({ immutable: true, digests });
  const folder = await results();
  const signing = { privateKey: key, passphrase: '' };
  await run(service, folder, { signing });
  const before = changes(service).length;
  // The signature is a new one, with another time in it.
  await new Promise((done) => setTimeout(done, 1100));
  const report = await run(service, folder, { signing });
  expect(report.release).toMatchObject({ before: true });
  expect(changes(service)).toHaveLength(before);
});

test('an attestation becomes a file of the release', async () => {
  const service = await start();
  const folder = await results();
  await run(service, folder, { attest: async () => ({ mediaType: 'x' }) });
  const asset = only(service).assets.find(({ name }) => name === 'attestation.sigstore.json');
  expect(asset?.bytes.toString()).toBe('{"mediaType":"x"}\n');
});

test.each(['rate-limit', 'secondary', '500', '502', 'lost', 'broken'] as const)(
  'goes on behind %s',
  async (kind) => {
    const rules = [
      { match: /^POST .*\/assets$/, kind, times: 2 },
      ...(kind === 'broken' ? [] : [{ match: /^GET .*\/releases$/, kind, times: 2 }]),
      ...(kind === 'broken' || kind === 'lost' ? [] : [{ match: /^PATCH/, kind, times: 2 }]),
      ...(kind === 'broken' ? [] : [{ match: /^GET \/storage/, kind: '502' as const, times: 1 }]),
    ];
    const service = await start({ rules });
    const folder = await results();
    const report = await run(service, folder);
    expect(report.release).toMatchObject({ before: false });
    const release = only(service);
    expect(release.draft).toBe(false);
    expect(release.assets.map(({ name, state }) => `${name} ${state}`).sort()).toEqual(
      names(folder).map((name) => `${name} uploaded`),
    );
  },
);

test('a release with other bytes is an error, and nothing of it is changed', async () => {
  const service = await start();
  await run(service, await results());
  const before = JSON.stringify(service.releases);
  const count = changes(service).length;
  await expect(run(service, await results('other bytes'))).rejects.toMatchObject({
    name: 'PublishError',
    message: expect.stringMatching(
      /^There is the release v1 already, with other files than this one: .*SHA256SUMS has other bytes/,
    ),
    hint: expect.stringContaining('Choose another tag'),
  });
  expect(JSON.stringify(service.releases)).toBe(before);
  expect(changes(service)).toHaveLength(count);
});

test('what was killed is taken up where it is, and no file is uploaded twice', async () => {
  const service = await start({ rules: [{ match: /^PATCH/, kind: 'forbidden' }] });
  const folder = await results();
  await expect(run(service, folder)).rejects.toMatchObject({
    message: expect.stringContaining('GitHub would not publish a release of site/slurm'),
    hint: expect.stringContaining('contents: write'),
  });
  expect(only(service)).toMatchObject({ draft: true });
  const uploads = changes(service).filter((line) => line.includes('/assets')).length;
  await run(service, folder);
  expect(only(service)).toMatchObject({ draft: false });
  expect(changes(service).filter((line) => line.includes('/assets'))).toHaveLength(uploads);
});

describe('two at once', () => {
  test('with the same files make one release', async () => {
    const service = await start({ immutable: true });
    const folder = await results();
    mkdirSync(join(folder, 'b'));
    const reports = await Promise.all([
      run(service, folder),
      run(service, folder, { folder: join(folder, 'b', 'release') }),
    ]);
    expect(reports.map(({ release }) => release?.tag)).toEqual(['v1', 'v1']);
    const release = only(service);
    expect(release.draft).toBe(false);
    expect(release.assets.map(({ name }) => name).sort()).toEqual(names(folder));
  });

  test('with other files: one is published whole, the other says so and leaves nothing', async () => {
    const service = await start({ immutable: true });
    const [one, other] = [await results(), await results('other bytes')];
    const outcomes = await Promise.allSettled([run(service, one), run(service, other)]);
    const failed = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toMatchObject({
      message: expect.stringContaining('There is the release v1 already'),
    });
    expect(only(service)).toMatchObject({ draft: false });
  });
});

test.each([
  ['a wrong token', { token: 'wrong' }, /would not list the releases of site\/slurm: Bad credentials/],
  [
    'no right to write',
    { rule: /^POST .*releases$/ },
    /would not make a release of site\/slurm: Resource not accessible/,
  ],
])(
  '%s is told as what it is',
  async (_, { token: own, rule }: { token?: string; rule?: RegExp }, message) => {
    const service = await start(
      rule === undefined ? {} : { rules: [{ match: rule, kind: 'forbidden', times: 9 }] },
    );
    await expect(
      run(service, await results(), own === undefined ? {} : { token: own }),
    ).rejects.toMatchObject({
      name: 'PublishError',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('contents: write'),
    });
    expect(service.releases).toEqual([]);
  },
);

test('the notes say what is not as in the newest other release', async () => {
  const service = await start();
  const folder = await results();
  await run(service, folder, { github: { tag: 'v0', title: 'v0', commit: undefined }, name: 'v0' });
  const later = temporaryFolder('publish');
  folders.push(later);
  await writeResults(join(later, 'results'), [target, 'slurm-26.05.3-glibc2.34-amd64']);
  const { notes } = await run(service, later);
  expect(notes).toContain('## Since v0');
  expect(notes).toContain('- New releases of Slurm: 26.05.3');
  expect(notes).toContain('- As before: 1 target');
});
