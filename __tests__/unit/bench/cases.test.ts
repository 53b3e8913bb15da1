import { describe, expect, test } from '@jest/globals';

// Plain JavaScript without types, so the compiler must not look for them.
const bench = (name: string) => import(`../../../bench/${name}.mjs`);
const { caseNames, selectCases } = await bench('cases');
const { bareArguments, splitWords } = await bench('bare');

describe('selectCases', () => {
  test('takes all without a word, and keeps their order', () => {
    expect(selectCases(undefined)).toEqual(caseNames);
    expect(selectCases('plain, cold')).toEqual(['cold', 'plain']);
  });

  test('brings the cold build along for what starts from it', () => {
    expect(selectCases('bare')).toEqual(['cold', 'bare']);
    expect(selectCases('plain,startup')).toEqual(['startup', 'plain']);
  });

  test('refuses a name that there is not', () => {
    expect(() => selectCases('cold,worm')).toThrow("there is no 'worm'; there are startup, cold, ");
  });
});

describe('configure arguments of the bare build', () => {
  test('are split as a shell would', () => {
    expect(splitWords(`--a=/usr 'CFLAGS=-O2 -g' "B=x y" 'C='"'"'q'"'"''\n`)).toEqual([
      '--a=/usr',
      'CFLAGS=-O2 -g',
      'B=x y',
      "C='q'",
    ]);
  });

  test("keep the flags, and lose Spack's folders and what another step would have to finish", () => {
    const given = [
      '--disable-static',
      '--no-create',
      'CFLAGS=-O2 -ffile-prefix-map=/opt/slurm-factory/stage/slurm=.',
      '--with-munge=/usr',
      '--with-nvml=/opt/slurm-factory/store/nvml',
      '--with-pam_dir=/opt/slurm-factory/store/slurm-1/lib/security',
    ];
    expect(bareArguments(given, '/opt/slurm-factory/store/slurm', '/opt/slurm-factory')).toEqual([
      '--disable-static',
      'CFLAGS=-O2',
      '--with-munge=/usr',
      '--with-pam_dir=/opt/slurm-factory/store/slurm/lib/security',
    ]);
  });
});
