import { expect, test } from '@jest/globals';
import { parseConfigHeader } from '../../../src/bundle/configure.js';

const prefix = '/opt/slurm-factory/store/__spack_path_placeholder__/slurm-1-abc';
const read = (text: string) => parseConfigHeader(text, prefix, ['/opt/slurm-factory/store', '/stage']);

test('the definitions of a config.h come by name, with the values that C sees', () => {
  const header = [
    '/* config.h.  Generated from config.h.in by configure.  */',
    '#define VERSION "26.05.3"',
    '/* Define if you have jwt */',
    '#define HAVE_JWT 1',
    '/* #undef HAVE_PAM */',
    '#define SALLOC_KILL_CMD',
    '#if defined AC_APPLE_UNIVERSAL_BUILD',
    '# define WORDS_BIGENDIAN 1',
    '#endif',
    'static int x;',
  ];
  expect(read(header.join('\n'))).toEqual([
    { name: 'HAVE_JWT', value: '1' },
    { name: 'SALLOC_KILL_CMD', value: '' },
    { name: 'VERSION', value: '"26.05.3"' },
  ]);
});

test('no folder of the build is told: the prefix has a name, what names another folder is left out', () => {
  const header = [
    `#define PAM_DIR "${prefix}/lib/security"`,
    '#define A "/opt/slurm-factory/store/munge-1/lib"',
    '#define B "/stage/spack-src"',
  ];
  expect(read(header.join('\n'))).toEqual([{ name: 'PAM_DIR', value: '"@prefix@/lib/security"' }]);
});

test('what a manifest could not hold is left out', () => {
  const header = [
    `#define LONG ${'x'.repeat(300)}`,
    '#define ODD a\u0007b',
    '#define UMLAUT "ä"',
    '#define OK 2',
  ];
  expect(read(header.join('\n'))).toEqual([{ name: 'OK', value: '2' }]);
  expect(read('')).toEqual([]);
});
