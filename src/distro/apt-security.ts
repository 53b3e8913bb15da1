import type { SecurityUpdates } from './security.js';

/** apt's archives of security updates. */
export const aptSecurity: SecurityUpdates = {
  indexes: ({ archive, suite, components }, arch) =>
    components.map((component) => `${archive}/dists/${suite}/${component}/binary-${arch}/Packages.xz`),
  readIndex: (text) => {
    const newest = new Map<string, string>();
    for (const paragraph of text.split('\n\n')) {
      const name = /^Package: (\S+)$/m.exec(paragraph)?.[1];
      const version = /^Version: (\S+)$/m.exec(paragraph)?.[1];
      if (name === undefined || version === undefined) continue;
      const known = newest.get(name);
      if (known === undefined || compareVersions(known, version) < 0) newest.set(name, version);
    }
    return newest;
  },
  compare: compareVersions,
  download: ({ archive, suite, components, keyring }, names, { settings, scratch, caBundle }) => {
    const own = {
      // Nothing of the image's own sources, lists and caches: this user may not write there.
      'Dir::Etc::SourceList': `${settings}/security.list`,
      'Dir::Etc::SourceParts': '-',
      'Dir::State::Lists': `${scratch}/lists`,
      'Dir::Cache': `${scratch}/cache`,
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
      ...(caBundle === undefined ? {} : { 'Acquire::https::CAInfo': caBundle }),
    };
    const folders = [`${scratch}/lists/partial`, `${scratch}/cache/archives/partial`];
    return {
      files: {
        'apt.conf': Object.entries(own)
          .map(([name, value]) => `${name} "${value}";\n`)
          .join(''),
        'security.list': `deb [signed-by=${keyring}] ${archive} ${suite} ${components.join(' ')}\n`,
      },
      env: { APT_CONFIG: `${settings}/apt.conf` },
      commands: [
        ['mkdir', '-p', ...folders],
        // Without the option a list that can't be had is no error.
        ['apt-get', 'update', '--error-on=any'],
        ['apt-get', 'download', ...names],
      ],
    };
  },
};

/** Compares versions as dpkg does: deb-version(7). */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [partsOf(a), partsOf(b)];
  return (
    one.epoch - other.epoch ||
    compareParts(one.upstream, other.upstream) ||
    compareParts(one.revision, other.revision)
  );
}

interface VersionParts {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

function partsOf(version: string): VersionParts {
  const colon = version.indexOf(':');
  const dash = version.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: version.slice(colon + 1, dash < 0 ? undefined : dash),
    revision: dash < 0 ? '' : version.slice(dash + 1),
  };
}

// By turns a part without digits, by `order`, and a number.
function compareParts(a: string, b: string): number {
  const turns = (text: string) => [...text.matchAll(/(\D*)(\d*)/g)];
  const [one, other] = [turns(a), turns(b)];
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [, words = '', digits = ''] = one[index] ?? [];
    const [, otherWords = '', otherDigits = ''] = other[index] ?? [];
    for (let at = 0; at < Math.max(words.length, otherWords.length); at += 1) {
      const difference = order(words[at]) - order(otherWords[at]);
      if (difference !== 0) return difference;
    }
    // Longer than a number of JavaScript's can be.
    const difference = BigInt(digits || '0') - BigInt(otherDigits || '0');
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

// A tilde comes before the end, the end before letters, letters before the rest.
function order(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}
