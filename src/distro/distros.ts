import { apt } from './apt.js';
import type { Distro, PackageManager } from './distro.js';
import { dnf } from './dnf.js';

const byManager: Readonly<Record<PackageManager, Distro>> = { dpkg: apt, rpm: dnf };

/** All kinds of distributions. */
export const distros: readonly Distro[] = Object.values(byManager);

/** The kind of distribution that has a package manager. */
export const distroOf = (packageManager: PackageManager): Distro => byManager[packageManager];
