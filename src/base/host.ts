import { access, constants, readdir, readFile } from 'node:fs/promises';
import { arch, availableParallelism, totalmem, userInfo } from 'node:os';
import { processOwner } from './owner.js';

/** What the core must know of the machine that it runs on. */
export interface Host {
  readonly arch: string;
  readonly cpus: number;
  /** bytes of memory, no more than this process itself may use */
  readonly memory: number;
  readonly uid: number;
  readonly gid: number;
  /** `ID` and `VERSION_ID` of /etc/os-release. */
  readonly os: { readonly id: string; readonly version: string };
  /** Path of the CA bundle that the host trusts, if one is there. */
  readonly caBundle: string | undefined;
  /** Proxy settings, by the usual names of the environment variables. */
  readonly proxy: Readonly<Record<string, string>>;
  /** Name of this process, see `processOwner`. */
  readonly owner: string;
  /** Paths of what lies in /dev itself, which tells of GPUs. */
  readonly devices: readonly string[];
}

const caBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];
const proxyNames = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * Looks at the machine.
 * @param env the environment variables, handed in by the edge
 */
export async function inspectHost(env: Readonly<Record<string, string | undefined>>): Promise<Host> {
  const user = userInfo();
  const release = parseOsRelease(await readFile('/etc/os-release', 'utf8').catch(() => ''));
  return {
    arch: arch(),
    cpus: availableParallelism(),
    memory: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
    uid: user.uid,
    gid: user.gid,
    os: { id: release['ID'] ?? '', version: release['VERSION_ID'] ?? '' },
    caBundle: await firstReadable([...(env['SSL_CERT_FILE'] ? [env['SSL_CERT_FILE']] : []), ...caBundles]),
    proxy: Object.fromEntries(
      proxyNames.flatMap((name) => {
        const value = env[name];
        return value ? [[name, value]] : [];
      }),
    ),
    owner: processOwner(),
    devices: (await readdir('/dev').catch(() => [])).map((name) => `/dev/${name}`),
  };
}

/** `NAME=value` lines of os-release(5), quotes taken off. */
export function parseOsRelease(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const match = /^([A-Z_]+)=(["']?)(.*)\2$/.exec(line.trim());
      return match?.[1] === undefined ? [] : [[match[1], match[3] ?? '']];
    }),
  );
}

async function firstReadable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const readable = await access(path, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (readable) return path;
  }
  return undefined;
}
