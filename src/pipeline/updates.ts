import { join } from 'node:path';
import type { Ports } from '../base/ports.js';
import { lastLine, visible } from '../base/text.js';
import { distroOf } from '../distro/distros.js';
import { type Outdated, outdatedPackages, type SecurityArchive } from '../distro/security.js';
import type { ResolvedBuild } from './resolve.js';

/** Seconds that an answer may take, and bytes that it may have; Debian's has 400,000. */
const limits = ['--connect-timeout', '10', '--max-time', '60', '--max-filesize', '50000000'] as const;

/** Asks the distribution's security archive what there is, once a build. It never fails a build. */
export class SecurityIndex {
  #newest: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(
    private readonly build: ResolvedBuild,
    private readonly ports: Pick<Ports, 'process' | 'logger'>,
  ) {}

  /** The archive that is asked; undefined where none is. */
  get archive(): SecurityArchive | undefined {
    const { toolchain, options } = this.build;
    const { security } = toolchain;
    if (security === undefined || options.securityArchive === 'off') return undefined;
    return { ...security, archive: options.securityArchive ?? security.archive };
  }

  /** Those of the packages that the archive has something newer of; none where it can't be asked. */
  async outdated(
    packages: readonly { readonly name: string; readonly version: string }[],
  ): Promise<Outdated[]> {
    const { archive } = this;
    const { security } = distroOf(this.build.toolchain.packageManager);
    if (packages.length === 0 || archive === undefined || security === undefined) return [];
    this.#newest ??= this.ask(security.indexes(archive, this.build.target.arch), security.readIndex);
    return outdatedPackages(packages, await this.#newest, security);
  }

  private async ask(
    addresses: readonly string[],
    read: (text: string) => Map<string, string>,
  ): Promise<ReadonlyMap<string, string>> {
    const texts = await Promise.all(addresses.map((address, number) => this.download(address, number)));
    return read(texts.join('\n'));
  }

  private async download(address: string, number: number): Promise<string> {
    const { process, logger } = this.ports;
    const file = join(this.build.buildFolder, `security-${number}.xz`);
    const options = ['--fail', '--silent', '--show-error', '--location', '--proto', '=https,http'];
    const got = await process.run(['curl', ...options, ...limits, '--output', file, '--', address]);
    // Whoever may answer could send something that unpacks to no end.
    const unpacked =
      got.exitCode === 0
        ? await process.run(['xz', '--decompress', '--stdout', '--memlimit=256MiB', file])
        : got;
    if (unpacked.exitCode === 0) return unpacked.stdout;
    logger.warning(
      `Whether the libraries in the tarball have security updates is not known: ${address} can't be read (${visible(lastLine(unpacked.stderr)) || 'nothing was said'}). The build goes on without that answer.`,
    );
    return '';
  }
}

/** A line for each, for a log. */
export const outdatedLines = (packages: readonly Outdated[]): string =>
  packages.map(({ name, version, newer }) => `  ${name} ${version} → ${newer}`).join('\n');
