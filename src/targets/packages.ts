import type { Toolchain } from './toolchains.js';

/**
 * Names by the rules of each package manager. None can be read as an option, a path, a group, a pattern or,
 * as `name-` by apt-get, as a package to remove.
 */
const names: Readonly<Record<Toolchain['packages'], RegExp>> = {
  dpkg: /^[a-z0-9][a-z0-9.+-]*[a-z0-9.+]$/,
  rpm: /^[A-Za-z0-9_](?:[A-Za-z0-9._+-]*[A-Za-z0-9._+])?$/,
};

/** Longer than any name of Debian's and Fedora's packages, and shorter than a file name may be. */
const longest = 200;

/** Whether a word can be nothing but the name of a package, where a command installs it. */
export function isPackageName(manager: Toolchain['packages'], word: string): boolean {
  return word.length <= longest && names[manager].test(word);
}
