import { describe, expect, test } from '@jest/globals';
import { bareArguments, splitWords } from '../../../bench/bare.js';

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
