import fc from 'fast-check';
import { inputNames } from '../../src/config/inputs.js';

/** Arguments that nobody in their right mind gives, for property tests. */

/** What a shell, a path, a number, a format or an object's key could be misread from. NUL can't be passed. */
const odd = (witness: string) =>
  fc.oneof(
    fc.constantFrom(
      ...[`$(touch ${witness})`, `\`touch ${witness}\``, `; touch ${witness}`, `x\ntouch ${witness}\n`],
      ...[`| touch ${witness}`, `&& touch ${witness}`, `' ; touch ${witness} ; '`, `"; touch ${witness}; "`],
      ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__proto__[x]', 'prototype'],
      ...['', ' ', '-', '--', '---', '-x', '--help', '--version', '--no-verbose', '-V', '=', '--=', '--=x'],
      ...[
        '..',
        '../../../etc/passwd',
        '/',
        '//',
        '/proc/x',
        '/proc/self/mem',
        '/dev/full',
        '/dev/null/x',
        '~',
      ],
      ...['0', '-1', '1e9', 'NaN', 'Infinity', '0x10', '9'.repeat(400), '1.5.5', '٣', '1 GB 2', '1e400 GB'],
      ...['latest', '24.11', '24.11.6', 'true', 'false', 'none', 'cuda', 'rocm', 'docker', 'bookworm'],
      ...['file:///', 'file://x/y', 'file:///%2F', 'https://', 's3://', 'javascript:x', 'https://a b'],
      ...[
        '\u001b]0;x\u0007',
        '\r',
        '\n',
        '\t',
        '\u202e',
        '\ud800',
        '\ufeff',
        'ä'.repeat(300),
        '%s%n%d',
        '${x}',
      ],
      ...['x'.repeat(256), 'x/'.repeat(500), `${'../'.repeat(300)}etc`, 'x'.repeat(20_000)],
    ),
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ unit: fc.constantFrom(...' \t\n\r\\\'"`$(){}[];|&<>*?!#~=-_/.:@%^,+aA0'), maxLength: 30 }),
  );

const asArgument = (text: string): string => text.replaceAll('\0', '');
/** Values of the folders and files that would be made somewhere else, or never be read to an end. */
const elsewhere = /^\s*(?:\/(?!proc\b|dev\/full$|dev\/null\/)|~|\.\.)|\.\.\//;

const buildOptions = [
  ...inputNames,
  ...['install-missing', 'verbose', 'report', 'cache-dir', 'gpg-private-key-file', 'gpg-passphrase-file'],
];
const pathOptions = new Set([
  'report',
  'cache-dir',
  'output-dir',
  'junit',
  'gpg-private-key-file',
  'gpg-passphrase-file',
]);

/**
 * Whole command lines. Paths stay below the folder that the call is made in, or lie where nothing can be made.
 * @param witness file that a shell would make
 */
export function commandLines(witness: string): fc.Arbitrary<string[]> {
  const value = odd(witness).map(asArgument);
  const option = fc
    .tuple(fc.oneof(fc.constantFrom(...buildOptions), value), value, fc.boolean())
    .map(([name, given, joined]) => {
      const text = pathOptions.has(name) && elsewhere.test(given) ? `x${given.replaceAll('..', '')}` : given;
      return joined ? [`--${name}=${text}`] : [`--${name}`, text];
    });
  // With a few that are right, more calls come past the reading of the inputs.
  const right = fc.constantFrom(
    ...[['--engine', 'docker'], ['--engine=podman'], ['--cache', 'false'], ['--gpu=cuda'], ['--jobs', '2']],
    ...[['--output-dir', 'out'], ['--cache-dir', 'cache'], ['--verbose'], ['--smoke-test', 'false']],
  );
  const path = fc
    .tuple(fc.constantFrom(...pathOptions, 'source-mirror'), value)
    .map(([name, text]) => [`--${name}`, elsewhere.test(text) ? `x${text.replaceAll('..', '')}` : text]);
  const words = fc.array(
    fc.oneof({ weight: 4, arbitrary: option }, { weight: 1, arbitrary: value.map((word) => [word]) }),
    { maxLength: 6 },
  );
  const nearlyRight = fc
    .tuple(fc.array(right, { maxLength: 4 }), fc.array(path, { maxLength: 1 }))
    .map((groups) => ['build', '24.11.6', ...groups.flat(2)]);
  const check = fc
    .tuple(
      fc.constantFrom('audit', 'smoke', 'verify', 'help', 'list', 'config', 'diff', 'graph', ''),
      value.map((word) => (elsewhere.test(word) ? `x${word.replaceAll('..', '')}` : word)),
      words,
    )
    .map(([command, subject, more]) => [command, subject, ...more.flat()]);
  const build = fc
    .tuple(fc.oneof(value, fc.constant('24.11.6')), words)
    .map(([release, more]) => ['build', release, ...more.flat()]);
  const anything = fc.array(value, { maxLength: 5 });
  return fc.oneof(
    { weight: 5, arbitrary: build },
    { weight: 2, arbitrary: nearlyRight },
    { weight: 2, arbitrary: check },
    { weight: 1, arbitrary: anything },
  );
}

/** Inputs as a workflow could give them: any text for any name, and names that there are not. */
export const rawInputs = (witness: string): fc.Arbitrary<Record<string, string>> =>
  fc.dictionary(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom<string>(...inputNames) }, odd(witness)),
    odd(witness),
    {
      maxKeys: 8,
      noNullPrototype: false,
    },
  );
