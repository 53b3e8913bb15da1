import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { tarMember } from './bundle.js';
import type { Answer } from './fakes.js';

/** META of a version, as Slurm's source has it. */
export function metaOf(version: string, release = '1'): string {
  const [major, minor, micro] = version.split('.');
  const fields = { Meta: '1', Name: 'slurm', Major: major, Minor: minor, Micro: micro, Version: version };
  const lines = Object.entries({ ...fields, Release: release }).map(
    ([name, value]) => `  ${name}:\t${value}\n`,
  );
  return `##\n# Metadata\n##\n${lines.join('')}`;
}

/** A tar archive of a source tree of Slurm, with little more than its META, of 2026-01-02. */
export function sourceTar(version: string): Buffer {
  const member = tarMember('slurm-x/META', metaOf(version));
  member.write(`${(Date.UTC(2026, 0, 2, 12) / 1000).toString(8).padStart(11, '0')}\0`, 136);
  // Its sum, made anew with the time in it.
  member.write('        ', 148);
  const sum = member.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  member.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([
    tarMember('slurm-x/', '', '5'),
    tarMember('slurm-x/NEWS', 'x'.repeat(3000)),
    member,
    Buffer.alloc(1024),
  ]);
}

export const sourceArchive = (version: string): Buffer => gzipSync(sourceTar(version), { level: 0 });

/** Answers of git where upstream has these tags, each a commit, and commits of one version. */
export const upstreamSlurm =
  (version: string, tags: Readonly<Record<string, string>> = {}) =>
  async (words: readonly string[]): Promise<Answer | undefined> => {
    const output = words.find((word) => word.startsWith('--output='))?.slice('--output='.length);
    if (words.includes('ls-remote')) {
      return {
        stdout: Object.entries(tags)
          .map(([tag, commit]) => `${commit}\trefs/tags/${tag}\n`)
          .join(''),
      };
    }
    if (words[0] === 'git' && words.includes('archive') && output !== undefined) {
      await writeFile(output, sourceArchive(version));
    }
    return undefined;
  };
