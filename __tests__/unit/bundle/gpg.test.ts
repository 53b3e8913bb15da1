import { describe, expect, test } from '@jest/globals';
import { expiriesIn, judge } from '../../../src/bundle/gpg.js';

const primary = 'A'.repeat(40);
const subkey = 'B'.repeat(40);
const now = 1_700_000_000;

const listing = [
  'tru::1:1795550008:0:3:1:5',
  `pub:e:255:22:AAAA:1600000000:1650000000::-:::sc::::::23::0:`,
  `fpr:::::::::${primary}:`,
  'uid:e::::1600000000::00::A <a@t>::::::::::0:',
  `sub:-:255:22:BBBB:1600000000:::::::s::::::23:`,
  `fpr:::::::::${subkey}:`,
].join('\n');

const valid = (change: Partial<Record<'key' | 'time' | 'digest' | 'kind' | 'primary', string>> = {}) => {
  const fields = { key: subkey, time: '1640000000', digest: '8', kind: '00', primary, ...change };
  return `[GNUPG:] VALIDSIG ${fields.key} 2022-01-01 ${fields.time} 0 4 0 22 ${fields.digest} ${fields.kind} ${fields.primary}\n`;
};
const good = `[GNUPG:] GOODSIG BBBB A <a@t>\n`;
const verdict = (stdout: string, exitCode = 0) => judge({ exitCode, stdout }, expiriesIn(listing), now);

test('the listing gives the expiry of each key and subkey', () => {
  expect([...expiriesIn(listing)]).toEqual([
    [primary, 1_650_000_000],
    [subkey, undefined],
  ]);
});

test('a good signature names its primary key and user', () => {
  expect(verdict(good + valid())).toEqual({
    good: true,
    fingerprint: primary,
    user: 'A <a@t>',
    expired: false,
  });
  expect(verdict(good.replace('GOODSIG', 'EXPKEYSIG') + valid())).toMatchObject({
    good: true,
    expired: true,
  });
});

describe('a bad one', () => {
  test.each<[string, string, RegExp]>([
    ['of other bytes', '[GNUPG:] BADSIG BBBB A\n', /other bytes/],
    ['of another key', '[GNUPG:] NO_PUBKEY CCCC\n', /another key \(CCCC\)/],
    ['of a revoked key', `[GNUPG:] REVKEYSIG BBBB A\n${valid()}`, /revoked/],
    ['that has expired', `[GNUPG:] EXPSIG BBBB A\n${valid()}`, /has expired/],
    [
      'made after the expiry of the primary key',
      good + valid({ time: '1650000001' }),
      /after the key had expired/,
    ],
    ['dated in the future', good + valid({ time: String(now + 86_401), primary: subkey }), /in the future/],
    ['without a date', good + valid({ time: 'x' }), /in the future/],
    ['with MD5', good + valid({ digest: '1' }), /weak digest/],
    ['with SHA-1', good + valid({ digest: '2' }), /weak digest/],
    ['with RIPEMD-160', good + valid({ digest: '3' }), /weak digest/],
    ['with a digest that nobody knows', good + valid({ digest: '99' }), /weak digest/],
    ['that gpg itself takes for weak', '[GNUPG:] ERRSIG BBBB 22 2 00 1640000000 5 B\n', /weak digest/],
    ['of text', good + valid({ kind: '01' }), /not a signature of a file/],
    ['beside a good one', good + valid() + valid({ digest: '2' }), /weak digest/],
    ['of which gpg says nothing', '', /does not accept it/],
  ])('%s', (_, stdout, reason) => {
    expect(verdict(stdout)).toEqual({ good: false, reason: expect.stringMatching(reason) });
  });

  test('whatever gpg printed, when it failed', () => {
    expect(verdict(good + valid(), 1)).toMatchObject({ good: false });
  });
});
