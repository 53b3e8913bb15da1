import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SigningError } from '../../../../src/base/errors.js';
import { checkResult } from '../../../../src/bundle/check.js';
import { Recorder, type StoredRecord } from '../../../../src/pipeline/record.js';
import { makeResultFolder } from '../../../../src/pipeline/stages/result.js';
import { sign } from '../../../../src/pipeline/stages/sign.js';
import { writeResult } from '../../../support/bundle.js';
import { fakePorts, readFiles } from '../../../support/fakes.js';
import { type MachineScript, signingKey } from '../../../support/machine.js';
import { startedRecord } from '../../../support/records.js';
import { stageBench } from '../../../support/stage.js';

const target = 'slurm-24.11.6-bookworm-amd64';
const key = { 'gpg-private-key': signingKey.armored, 'gpg-passphrase': signingKey.passphrase };

/** A result in its folder, and the signing of it. */
async function signing(inputs: Record<string, string>, script: MachineScript = {}) {
  const { plan, request, process } = await stageBench(inputs, script);
  const folder = await makeResultFolder(plan);
  await writeResult(folder, target, { debug: true, smoke: true });
  const { files } = await checkResult(folder, target, { exact: true });
  const result = { folder, described: files, runtimePackages: [] };
  const ports = fakePorts({ process });
  const keyrings: unknown[] = [];
  const recorder = new Recorder(startedRecord(request.workRoot), {
    save: (record) =>
      keyrings.push(...(record as StoredRecord).cleanups.map((cleanup) => JSON.stringify(cleanup))),
  });
  const before = process.calls.length;
  return {
    folder,
    ports,
    keyrings,
    gpgCalls: () => process.calls.slice(before),
    signed: sign(plan, result, ports.env, recorder, ports),
  };
}

test('without a key nothing is signed, and no program runs', async () => {
  const { folder, gpgCalls, signed } = await signing({});
  expect(await signed).toEqual([]);
  expect(gpgCalls()).toEqual([]);
  expect(Object.keys(await readFiles(folder)).filter((name) => name.endsWith('.asc'))).toEqual([]);
});

test('with a key the tarballs and the sums are signed, and the public key lies beside them', async () => {
  const { folder, ports, keyrings, signed } = await signing(key);
  const made = await signed;
  expect(made.map(({ name }) => name).sort()).toEqual(
    [
      'SHA256SUMS.asc',
      'debug.tar.gz.asc',
      'modules.tar.gz.asc',
      'signing-key.asc',
      'software.tar.gz.asc',
    ].map((end) => `${target}-${end}`),
  );
  expect(await readFile(join(folder, `${target}-signing-key.asc`), 'utf8')).toBe(signingKey.publicKey);
  for (const { name, size } of made) expect((await readFile(join(folder, name))).length).toBe(size);
  expect(keyrings.at(-1)).toMatch(/slurm-factory-gpg-/);
  expect(ports.logger.of('info')).toEqual([`Signed 4 files with ${signingKey.fingerprint}`]);
});

test('neither the key nor its passphrase is in an argument or a variable', async () => {
  const { gpgCalls, signed } = await signing(key);
  await signed;
  const seen = JSON.stringify(gpgCalls().map(({ command, options }) => [command, options.env]));
  expect(gpgCalls().length).toBeGreaterThan(0);
  expect(seen).not.toContain(signingKey.passphrase);
  expect(seen).not.toContain('BEGIN PGP PRIVATE KEY');
});

test('a signature that can not be made leaves none behind', async () => {
  let signatures = 0;
  const { folder, signed } = await signing(key, {
    answer: (words) => {
      if (!words.includes('--detach-sign')) return undefined;
      signatures += 1;
      return signatures < 3 ? undefined : { exitCode: 2, stderr: 'gpg: signing failed: No space left' };
    },
  });
  await expect(signed).rejects.toThrow(SigningError);
  await expect(signed).rejects.toThrow('could not be signed: signing failed: No space left');
  expect(Object.keys(await readFiles(folder)).filter((name) => name.endsWith('.asc'))).toEqual([]);
});
