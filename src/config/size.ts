const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** What a size may look like, for people who gave another. */
export const sizeForms = 'a size such as 2 GB, 500 MB, 1.5 GiB or a number of bytes';

/** Bytes of a size: `2 GB`, `500MB`, `2GiB`, `1000000`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text);
  const unit = (match?.[2] ?? '').toLowerCase();
  if (match === null || !Object.hasOwn(units, unit)) return undefined;
  const bytes = Math.floor(Number(match[1]) * (units[unit] ?? 0));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
