import type { Ports } from '../base/ports.js';
import { visible } from '../base/text.js';
import { unxz } from '../base/xz.js';
import { distroOf } from '../distro/distros.js';
import {
  type Outdated,
  outdatedPackages,
  type SecurityArchive,
  type SecurityUpdates,
} from '../distro/security.js';
import { updatesIn } from './mirror.js';
import type { ResolvedBuild } from './resolve.js';

/** Debian's answer has 400,000 bytes, and 2,500,000 unpacked. */
const answer = { bytes: 20_000_000, milliseconds: 30_000 } as const;
const mostUnpacked = 200_000_000;

/** Asks the distribution's security archive what there is, once a build. It never fails a build. */
export class SecurityIndex {
  #newest: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(
    private readonly build: ResolvedBuild,
    private readonly ports: Pick<Ports, 'web' | 'logger' | 'signal'>,
  ) {}

  /** The archive that is asked, and how; undefined where none is. */
  get asked(): { readonly archive: SecurityArchive; readonly updates: SecurityUpdates } | undefined {
    const { toolchain, options } = this.build;
    const { security: updates } = distroOf(toolchain.packageManager);
    const { security: own } = toolchain;
    if (own === undefined || updates === undefined || options.securityArchive === 'off') return undefined;
    return { archive: { ...own, archive: options.securityArchive ?? own.archive }, updates };
  }

  /** Those of the packages that the archive has something newer of; none where it can't be asked. */
  async outdated(
    packages: readonly { readonly name: string; readonly version: string }[],
  ): Promise<Outdated[]> {
    const { asked } = this;
    if (packages.length === 0 || asked === undefined) return [];
    const { archive, updates } = asked;
    const mirrored = updatesIn(this.build.mirror, this.build.target);
    if (mirrored !== undefined) {
      const newest = new Map(mirrored.packages.map(({ name, version }) => [name, version]));
      return outdatedPackages(packages, newest, updates);
    }
    this.#newest ??= this.ask(updates.indexes(archive, this.build.target.arch), updates.readIndex);
    return outdatedPackages(packages, await this.#newest, updates);
  }

  private async ask(
    addresses: readonly string[],
    read: (text: string) => Map<string, string>,
  ): Promise<ReadonlyMap<string, string>> {
    const texts = await Promise.all(addresses.map((address) => this.read(address)));
    return read(texts.join('\n'));
  }

  private async read(address: string): Promise<string> {
    const { web, logger, signal } = this.ports;
    try {
      return await unxz(await web.get(address, answer, signal), mostUnpacked);
    } catch (error) {
      signal.throwIfAborted();
      const reason = visible(error instanceof Error ? error.message : String(error));
      logger.warning(
        `Whether the libraries in the tarball have security updates is not known: ${address} can't be read (${reason}). The build goes on without that answer.`,
      );
      return '';
    }
  }
}

/** A line for each, for a log. */
export const outdatedLines = (packages: readonly Outdated[]): string =>
  packages.map(({ name, version, newer }) => `  ${name} ${version} → ${newer}`).join('\n');
