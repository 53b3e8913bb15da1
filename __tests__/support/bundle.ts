import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileName, resultFiles } from '../../src/bundle/catalogue.js';
import { type Manifest, makeManifest } from '../../src/bundle/manifest.js';
import { describeFile, formatSums } from '../../src/bundle/sums.js';
import { smokeJunit } from '../../src/smoke/report.js';
import { targetNamed, writeFiles } from './fakes.js';

/** Makes results without building any. */

/** A header of tar, format ustar. */
export function tarHeader(name: string, size = 0, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A member of a tar archive. */
export function tarMember(name: string, content = '', type = '0'): Buffer {
  const body = Buffer.from(content);
  const padding = Buffer.alloc((512 - (body.length % 512)) % 512);
  return Buffer.concat([tarHeader(name, body.length, type), body, padding]);
}

/** A gzipped tar archive with a folder and one file in it; what is in the file can be read in its bytes. */
export function tarball(top: string, content: string): Buffer {
  const end = Buffer.alloc(1024);
  return gzipSync(Buffer.concat([tarMember(`${top}/`, '', '5'), tarMember(`${top}/file`, content), end]), {
    level: 0,
  });
}

/** The report of a smoke test of one check. */
export const smokeXml = (target: string, status: 'passed' | 'failed' = 'passed'): string =>
  smokeJunit({ target, prefix: '/srv/x', checks: [{ name: 'install', status, seconds: 1, detail: '' }] });

/** What of a result is not as a build makes it. */
export interface Oddities {
  /** Changes of the manifest. */
  readonly manifest?: object;
  /** sha256 that the SBOM gives of the software tarball. */
  readonly described?: string;
  /** Top folder of the software tarball. */
  readonly top?: string;
  readonly content?: string;
  readonly contentKey?: string;
  readonly debug?: boolean;
  readonly smoke?: boolean;
}

/** Writes all files of a target as a build does. */
export async function writeResult(folder: string, identifier: string, odd: Oddities = {}): Promise<Manifest> {
  const target = targetNamed(identifier);
  const path = (name: string) => join(folder, name);
  const names = resultFiles(identifier);
  const content = odd.content ?? 'bytes';
  const tarballs = [names.software, names.modules, ...(odd.debug ? [fileName(identifier, 'debug')] : [])];
  await writeFiles(folder, {
    ...Object.fromEntries(
      tarballs.map((name) => [
        name,
        tarball(name === names.modules ? 'modulefiles' : (odd.top ?? identifier), `${content} of ${name}`),
      ]),
    ),
    [names.installer]: `#!/bin/sh\n# ${identifier}\n`,
  });
  const files = await Promise.all([...tarballs, names.installer].map((name) => describeFile(path(name))));
  const checksums = [{ algorithm: 'SHA256', checksumValue: odd.described ?? files[0]?.sha256 }];
  await writeFiles(folder, {
    [names.sbom]: JSON.stringify({
      spdxVersion: 'SPDX-2.3',
      packages: [{ packageFileName: names.software, checksums }],
    }),
    ...(odd.smoke ? { [fileName(identifier, 'smoke')]: smokeXml(identifier) } : {}),
  });
  const made = makeManifest({
    target,
    identifier,
    dependencies: target.dependencies,
    features: [],
    contentKey: odd.contentKey ?? 'f'.repeat(64),
    spackCommit: '1'.repeat(40),
    packagesCommit: '2'.repeat(40),
    builder: 'b'.repeat(64),
    specs: [],
    runtimePackages: ['libc6', 'libmunge2'],
    libraries: [],
    packageManager: 'dpkg',
    files: [
      ...files,
      await describeFile(path(names.sbom)),
      ...(odd.smoke ? [await describeFile(path(fileName(identifier, 'smoke')))] : []),
    ],
  });
  const manifest = { ...made, ...odd.manifest };
  await writeFiles(folder, { [names.manifest]: JSON.stringify(manifest) });
  await sumUp(folder, identifier, [
    ...tarballs,
    names.installer,
    names.sbom,
    names.manifest,
    ...(odd.smoke ? [fileName(identifier, 'smoke')] : []),
  ]);
  return manifest;
}

/** Writes the sums of files that are there, as somebody would who changed a file and its sum. */
export async function sumUp(folder: string, identifier: string, names?: readonly string[]): Promise<void> {
  const { sums, ...others } = resultFiles(identifier);
  const files = await Promise.all(
    (names ?? Object.values(others)).map((name) => describeFile(join(folder, name))),
  );
  await writeFiles(folder, { [sums]: formatSums(files) });
}
