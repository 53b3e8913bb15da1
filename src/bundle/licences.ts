import type { LicenceText, SpdxPackage } from './spdx.js';

/**
 * Licences that the sources state and the recipes do not, or not whole. Slurm's COPYING allows linking
 * with OpenSSL in the words of SPDX's cryptsetup-OpenSSL-exception. Of lz4 it links the library alone.
 */
export const licences: Readonly<Record<string, string>> = {
  gcc: 'GPL-3.0-or-later WITH GCC-exception-3.1',
  lz4: 'BSD-2-Clause',
  munge: 'GPL-3.0-or-later AND LGPL-3.0-or-later',
  slurm: 'GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception',
};

const licenceTexts: Readonly<Record<string, Omit<LicenceText, 'licenseId'>>> = {
  'LicenseRef-NVIDIA-CUDA-EULA': {
    name: 'NVIDIA CUDA Toolkit end user license agreement',
    extractedText: "The text is License.txt in the source, NVIDIA's wheel of the NVML header.",
    seeAlsos: ['https://docs.nvidia.com/cuda/eula/'],
  },
};

/** The texts of licences that SPDX does not know, of those that packages declare. */
export function extractedLicences(packages: readonly SpdxPackage[]): LicenceText[] {
  const ids = packages.flatMap((item) => item.licenseDeclared.match(/LicenseRef-[A-Za-z0-9.-]+/g) ?? []);
  return [...new Set(ids)].sort().map((licenseId) => ({
    licenseId,
    ...(licenceTexts[licenseId] ?? {
      name: licenseId.replace('LicenseRef-', ''),
      extractedText: "The text comes with the package's source.",
    }),
  }));
}
