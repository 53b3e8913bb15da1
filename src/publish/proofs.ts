import { join } from 'node:path';
import { parseJson } from '../base/json.js';
import type { ProcessRunner } from '../base/ports.js';
import { readPlain, sha256Plain } from '../base/safe.js';
import { fileName, fileOfSignature } from '../bundle/catalogue.js';
import { type Env, readKeyFile, signatureLimit, withPublicKey } from '../bundle/gpg.js';
import { releaseFiles } from './names.js';

/** Bytes that a provenance may have; one of a thousand files has some hundred thousand. */
const provenanceLimit = 16 << 20;

/**
 * Tells whether a signature or a provenance that somebody else has uploaded holds for our files: two runs never make
 * the same bytes of it.
 */
export function asGoodAs(own: {
  /** Folder of our files. */
  readonly ours: string;
  readonly fingerprint?: string | undefined;
  readonly publicKey?: string | undefined;
  readonly env: Env;
  readonly process: ProcessRunner;
}): (name: string, folder: string) => Promise<boolean> {
  return async (name, folder) => {
    try {
      return name === releaseFiles.attestation
        ? await attests(folder, own.ours)
        : await signs(name, folder, own);
    } catch {
      return false;
    }
  };
}

async function signs(
  name: string,
  folder: string,
  { ours, fingerprint, publicKey, env, process }: Parameters<typeof asGoodAs>[0],
): Promise<boolean> {
  const file = fileOfSignature(name) ?? '';
  const signature = await readPlain(folder, name, signatureLimit);
  const isRelease = file === releaseFiles.sums;
  const beside = isRelease ? releaseFiles.key : fileName(targetOf(file), 'key');
  const key = await readKeyFile(isRelease ? join(ours, beside) : (publicKey ?? join(ours, beside)));
  const checked = await withPublicKey(process, key, env, ({ verify }) => verify(join(ours, file), signature));
  return checked.good && (!isRelease || checked.fingerprint === fingerprint);
}

/** `slurm-24.11.6-glibc2.34-amd64` of one of its files that are signed. */
const targetOf = (file: string): string => file.replace(/-(?:[a-z]+\.tar\.gz|SHA256SUMS)$/, '');

/** Whether a provenance is about our sums. */
async function attests(folder: string, ours: string): Promise<boolean> {
  const text = (await readPlain(folder, releaseFiles.attestation, provenanceLimit)).toString();
  const bundle = parseJson(text) as { dsseEnvelope?: { payload?: string } } | undefined;
  const statement = parseJson(Buffer.from(bundle?.dsseEnvelope?.payload ?? '', 'base64').toString()) as
    | { subject?: { name?: string; digest?: { sha256?: string } }[] }
    | undefined;
  const { sha256 } = await sha256Plain(ours, releaseFiles.sums);
  return (statement?.subject ?? []).some(({ digest }) => digest?.sha256 === sha256);
}
