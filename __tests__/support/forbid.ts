import { createRequire } from 'node:module';
import { afterAll, jest } from '@jest/globals';

/**
 * Set-up of the unit tests: a real process or any talk with a network throws, so that a test that forgot a
 * fake fails instead of doing what it says. The built-in modules themselves are changed, which every later
 * import of them sees, and changed back behind the last test of a file.
 */

/** What a forbidden call throws. */
export class ForbiddenError extends Error {
  override name = 'ForbiddenError';
}

const require = createRequire(import.meta.url);
type Target = Record<string, unknown>;

const processNames = ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'];
const forbidden: readonly (readonly [label: string, target: Target, names: readonly string[]])[] = [
  ['child_process', require('node:child_process'), processNames],
  ['child_process.ChildProcess', require('node:child_process').ChildProcess.prototype, ['spawn']],
  ['cluster', require('node:cluster'), ['fork']],
  ['net', require('node:net'), ['connect', 'createConnection']],
  // Everything that speaks TCP, TLS or to a socket file comes through here.
  ['net.Socket', require('node:net').Socket.prototype, ['connect']],
  ['net.Server', require('node:net').Server.prototype, ['listen']],
  ['tls', require('node:tls'), ['connect']],
  ['http', require('node:http'), ['request', 'get']],
  ['https', require('node:https'), ['request', 'get']],
  ['http2', require('node:http2'), ['connect']],
  ['dgram', require('node:dgram'), ['createSocket']],
  ['dns', require('node:dns'), dnsNames(require('node:dns'))],
  ['dns.promises', require('node:dns').promises, dnsNames(require('node:dns').promises)],
  ['globalThis', globalThis as unknown as Target, ['fetch']],
];

/** `lookup`, `resolve4` and their like, which all ask somebody. */
function dnsNames(module: Target): string[] {
  return Object.keys(module).filter((name) => /^(lookup|resolve|reverse)/.test(name));
}

function refuse(call: string, args: readonly unknown[]): never {
  const what = args.find((argument) => typeof argument === 'string' || argument instanceof URL);
  throw new ForbiddenError(
    `A unit test called ${call}(${what === undefined ? '' : `'${String(what)}', `}…). Unit tests start no ` +
      'process and use no network: hand in a fake, or move the test to __tests__/integration.',
  );
}

function forbid(label: string, target: Target, name: string): () => void {
  const original = Object.getOwnPropertyDescriptor(target, name);
  if (original === undefined) throw new Error(`${label}.${name} is not there to be forbidden`);
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: original.enumerable ?? true,
    writable: true,
    value: (...args: readonly unknown[]) => refuse(`${label}.${name}`, args),
  });
  return () => Object.defineProperty(target, name, original);
}

const restore = forbidden.flatMap(([label, target, names]) =>
  names.map((name) => forbid(label, target, name)),
);

// It starts its process within a promise that loses what is thrown there: the caller would wait for ever.
jest.unstable_mockModule('@actions/exec', () => ({
  exec: async (...args: readonly unknown[]) => refuse('@actions/exec.exec', args),
  getExecOutput: async (...args: readonly unknown[]) => refuse('@actions/exec.getExecOutput', args),
}));

afterAll(() => {
  for (const undo of restore) undo();
});
