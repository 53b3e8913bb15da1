import { fileName } from '../bundle/catalogue.js';
import { renderTemplate } from '../bundle/modules.js';
import { byPreference } from './choose.js';
import type { IndexTarget, ReleaseIndex } from './index-file.js';

/**
 * `get.sh` of a release: the shell's way to do what `slurm-factory get` does.
 * @param template text of site/get.sh
 */
export function getScript(template: string, { name, downloads, signing, targets }: ReleaseIndex): string {
  const rows = [...targets].sort(byPreference).map((target) => rowOf(target));
  return renderTemplate(template, {
    NAME: quotable(name),
    DOWNLOADS: quotable(downloads ?? ''),
    FINGERPRINT: signing?.fingerprint ?? '',
    TARGETS: rows.join('\n'),
  });
}

function rowOf({ identifier, slurmVersion, arch, glibc, distribution, gpu, files }: IndexTarget): string {
  const sums = files.find(({ name }) => name === fileName(identifier, 'sums'))?.sha256 ?? '-';
  const [id, version] = distribution === undefined ? ['-', '-'] : [distribution.id, distribution.version];
  return [identifier, slurmVersion, arch, glibc ?? '-', id, version || '-', gpu, sums].join(' ');
}

/** What stands between single quotes, and in a comment. */
const quotable = (text: string): string => text.replace(/[^A-Za-z0-9 .,:;/?&=@%~+_()-]/g, '_');
