import { describe, expect, test } from '@jest/globals';
import * as errors from '../../../src/base/errors.js';
import { exists, sha256 } from '../../../src/base/files.js';
import type { Ports } from '../../../src/base/ports.js';
import { resultFiles } from '../../../src/bundle/catalogue.js';
import { memoryCache, readFiles } from '../../support/fakes.js';
import { type MachineScript, signingKey } from '../../support/machine.js';
import { build, restored, resultsIn, target } from '../../support/pipeline.js';
import { keyringIn } from '../../support/records.js';

describe('signing', () => {
  const layers = [{ 'gpg-private-key': signingKey.armored, 'gpg-passphrase': signingKey.passphrase }];
  const signed = ['SHA256SUMS', 'modules.tar.gz', 'software.tar.gz'].map((end) => `${target}-${end}.asc`);
  const added = [...signed, `${target}-signing-key.asc`].sort();

  test('hands out signatures and the public key, and none of them is in the cached result', async () => {
    const cache = memoryCache();
    const { report, ports } = await build({ cache, request: { layers } });
    const files = await readFiles(report?.outputDir ?? '');
    expect(Object.keys(files).filter((name) => name.endsWith('.asc'))).toEqual(added);
    expect(files[`${target}-signing-key.asc`]).toBe(signingKey.publicKey);
    expect(report?.described.map((file) => file.name)).toEqual(expect.arrayContaining(added));
    expect(ports.artifacts.uploads.map((upload) => upload.name)).toEqual(expect.arrayContaining(added));
    expect(resultsIn(cache)).toEqual(
      [...Object.values(resultFiles(target)), `${target}-smoke.xml`, `${target}-spack.lock`].sort(),
    );
  });

  test('a cached result is signed by each run that asks for it', async () => {
    const cache = memoryCache();
    await build({ cache, request: { layers } });
    const second = await build({ cache, request: { layers } });
    expect(second.report?.cacheHit).toBe('result');
    expect(second.report?.described.map((file) => file.name)).toEqual(expect.arrayContaining(added));
  });

  test('nothing of a build without the key is signed, and nothing that is sealed is of use to one', async () => {
    const cache = memoryCache();
    await build({ cache });
    const open = new Set(cache.entries.keys());
    const second = await build({ cache, request: { layers } });
    expect(second.report).toMatchObject({ cacheHit: 'none', packages: { fromCache: 0 } });
    expect(restored(second.report)).toEqual([]);
    const sealed = [...cache.entries].filter(([key]) => !open.has(key));
    expect(sealed.length).toBe(open.size);
    for (const [key, content] of sealed) {
      expect(key).toMatch(/^slurm-factory-v4-k[0-9a-f]{12}-/);
      expect(content.has('ENTRY.hmac')).toBe(true);
    }
    for (const key of open) cache.entries.delete(key);
    expect(restored((await build({ cache })).report)).toEqual([]);
  });

  test.each(['result', 'lock', 'index', 'ccache', 'package'])(
    'a %s that was forged under the very key of a signing build is not believed',
    async (kind) => {
      const cache = memoryCache();
      await build({ cache, request: { layers } });
      const kept = kind === 'result' ? ['result'] : [kind, ...(kind === 'package' ? ['lock'] : [])];
      for (const [key, content] of cache.entries) {
        const of = key.split('-')[4] ?? '';
        if (!kept.includes(of)) cache.entries.delete(key);
        if (of !== kind) continue;
        // Whoever can write to the cache can make sums that fit, but not the seal.
        for (const name of content.keys()) {
          if (!name.startsWith('ENTRY.')) content.set(name, Buffer.from('forged'));
        }
        const names = [...content.keys()].filter((name) => !name.startsWith('ENTRY.'));
        const sums = names.map((name) => `${sha256('forged')}  ${name}\n`).join('');
        content.set('ENTRY.sha256', Buffer.from(sums));
      }
      const second = await build({ cache, request: { layers } });
      expect(second.error).toBeUndefined();
      expect(second.report?.cacheHit).toBe('none');
      const uses = second.report?.caches.filter((use) => use.kind === kind) ?? [];
      expect(uses.map(({ outcome }) => outcome)).toContain('damaged');
      expect(uses.map(({ outcome }) => outcome)).not.toContain('restored');
      expect(second.ports.logger.of('warning').join()).toContain("its seal is not this build's");
    },
  );

  test('the key goes to gpg alone, by standard input, and is masked; nothing of it is left', async () => {
    const cache = memoryCache();
    const { process, ports, record } = await build({ cache, request: { layers } });
    const secret = /correct horse|lQOYBGVfake/;
    const shown = (call: (typeof process.calls)[number]) =>
      JSON.stringify([call.command, call.options.env, call.options.cwd]);
    expect(process.calls.filter((call) => secret.test(shown(call)))).toEqual([]);
    const fed = process.calls.filter((call) => secret.test(call.options.input ?? ''));
    expect(new Set(fed.map((call) => call.command[0]))).toEqual(new Set(['gpg']));
    expect(ports.logger.of('mask')).toEqual(
      expect.arrayContaining([signingKey.armored.trim(), signingKey.passphrase]),
    );
    const told = ports.logger.log.filter((line) => line.level !== 'mask');
    expect(JSON.stringify([told, record])).not.toMatch(secret);
    const saved = [...cache.entries.values()].flatMap((content) => [...content.values()].map(String));
    expect(saved.filter((text) => secret.test(text))).toEqual([]);
    expect(keyringIn(record)).toMatch(/slurm-factory-gpg-/);
    expect(await exists(keyringIn(record) ?? '')).toBe(false);
  });

  test('without a key gpg is not asked', async () => {
    const { process, ports } = await build();
    expect(process.lines.filter((line) => line.startsWith('gpg'))).toEqual([]);
    expect(ports.logger.of('mask')).toEqual([]);
  });

  test('a key that can not sign fails the build with 5, and nothing is uploaded', async () => {
    const script: MachineScript = {
      answer: (words) => (words.includes('--detach-sign') ? { exitCode: 2, stderr: 'gpg: no' } : undefined),
    };
    const { error, ports } = await build({ script, request: { layers } });
    expect(error).toBeInstanceOf(errors.SigningError);
    expect(errors.exitCodeOf(error)).toBe(5);
    expect(ports.artifacts.uploads).toEqual([]);
  });
});

describe('build provenance', () => {
  type Files = Parameters<NonNullable<Ports['attest']>>[0];

  test('is asked for by name and sum of all that is handed out', async () => {
    const asked: Files[] = [];
    const layers = [{ 'gpg-private-key': signingKey.armored }];
    const { report, ports } = await build({
      request: { layers },
      attest: async (files) => asked.push(files) > 0,
    });
    expect(asked).toEqual([report?.described.map(({ name, sha256 }) => ({ name, sha256 }))]);
    expect(asked[0]).toHaveLength(12);
    for (const { sha256 } of asked[0] ?? []) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(ports.artifacts.uploads.length).toBeGreaterThan(0);
  });

  test('is asked for a cached result too, and never for a build that failed', async () => {
    const cache = memoryCache();
    const asked: Files[] = [];
    const attest = async (files: Files) => asked.push(files) > 0;
    const script: MachineScript = { check: () => ({ status: 'failed', detail: 'no' }) };
    await build({ cache, attest, script });
    expect(asked).toEqual([]);
    const request = { layers: [{ 'cache-secret': 'a secret of thirty-two characters' }] };
    const first = await build({ cache, attest, request });
    const second = await build({ cache, attest, request });
    expect(second.report?.cacheHit).toBe('result');
    expect(asked.map((files) => files.map((file) => file.name).sort())).toEqual(
      [first, second].map(({ report }) => report?.described.map((file) => file.name).sort()),
    );
  });

  test('is not made of what came from a cache that no secret guards, and the notice says so', async () => {
    const cache = memoryCache();
    const asked: Files[] = [];
    const attest = async (files: Files) => asked.push(files) > 0;
    await build({ cache, attest });
    expect(asked).toHaveLength(1);
    const second = await build({ cache, attest });
    expect(second.report?.cacheHit).toBe('result');
    expect(asked).toHaveLength(1);
    expect(second.ports.logger.of('notice')).toEqual([
      expect.stringMatching(/^No build provenance: .*-open-result-.*cache-secret/),
    ]);
  });
});

describe('a release', () => {
  const trigger = { event: 'release', ref: 'refs/tags/v1', fromFork: false };

  test('without a secret reads no cache, and says so', async () => {
    const cache = memoryCache();
    await build({ cache });
    const { report, ports } = await build({ cache, request: { trigger } });
    expect(report?.cacheHit).toBe('none');
    expect(restored(report)).toEqual([]);
    expect(ports.logger.of('notice')).toEqual([expect.stringMatching(/not read for a tag or a release/)]);
  });

  test('with a secret is served with what builds with the same secret saved', async () => {
    const cache = memoryCache();
    const layers = [{ 'cache-secret': 'a secret of thirty-two characters' }];
    await build({ cache, request: { layers } });
    expect((await build({ cache, request: { layers, trigger } })).report?.cacheHit).toBe('result');
    const other = [{ 'cache-secret': 'another secret of 32 characters!' }];
    expect((await build({ cache, request: { layers: other, trigger } })).report?.cacheHit).toBe('none');
  });
});
