import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { projectWithOwnRecipes, runCli } from '../support/cli.js';
import { docker, hostTarget, isHere, sourceMirror, temporaryFolder } from '../support/prepare.js';

/**
 * A recipe that plants links wherever a build can write, aimed at files of the machine, and that tries to get
 * out of its container. Nothing of the machine is changed, and nothing of it comes out.
 */

const canRun = await isHere('upstream', 'Docker Engine');
const e2e = canRun ? test : test.skip;
const minutes = 60_000;
const target = hostTarget('24.11.6');
const folder = temporaryFolder('hostile');
const canaries = join(folder, 'canaries');
const cacheDir = join(folder, 'cache');
const outputDir = join(folder, 'out');
const canary = `CANARY-${process.pid}-of-the-machine`;
const proxyWord = `pr0xy-${process.pid}`;
const files = { secret: canary, 'folder/secretR': canary, overwritten: canary };
let server: Server;
let port: number;
let mirror: string;

beforeAll(async () => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(canaries, name, '..'), { recursive: true });
    writeFileSync(join(canaries, name), text);
  }
  server = createServer((socket) => socket.end());
  port = await new Promise((resolve) => {
    server.listen(0, hostAddress(), () => {
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : 0);
    });
  });
  if (canRun) mirror = await sourceMirror(['24.11.6']);
}, 20 * minutes);

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The address at which a container of the engine's usual network reaches this machine. */
const hostAddress = (): string =>
  networkInterfaces()['docker0']?.find(({ family }) => family === 'IPv4')?.address ?? '127.0.0.1';

/** Python lines within the class of a recipe: each attempt's outcome is printed, and returned as JSON. */
const attempts = (): string => `
    def _hostile(self):
        import json, socket, stat

        seen = {}

        def attempt(name, act):
            try:
                act()
                seen[name] = "done"
            except Exception as e:
                seen[name] = type(e).__name__ + " " + str(getattr(e, "errno", ""))

        def link(path, to):
            def act():
                path_ = "/opt/slurm-factory/" + path
                os.makedirs(os.path.dirname(path_), exist_ok=True)
                if os.path.lexists(path_):
                    os.unlink(path_)
                os.symlink(${JSON.stringify(canaries)} + "/" + to, path_)
            attempt("link " + path, act)

        link("output/result/${target}-software.tar.gz", "overwritten")
        link("output/modules/slurm", "folder")
        link("output/x", "secret")
        for place in ["arrivals", "fetched", "sources", "overlay", "packages", "spack"]:
            link(place + "/x", "secret")
        link("environment/x", "secret")
        link("build-cache/v3/manifests/spec/evil/evil-1-" + "e" * 32 + ".spec.manifest.json", "secret")
        link("user-cache/ccache/ccache.tar", "overwritten")
        link("user-cache/ccache/x/linkR", "secret")
        link("user-cache/ccache/y", "folder")
        link("user-cache/misc/tags/evil.json", "secret")
        link("stage/spack-build-out.txt", "secret")
        link("stage/root/spack-stage-evil/config.log", "secret")
        link("store/_/.spack-db/index.json", "secret")

        def connect(host, port):
            socket.create_connection((host, port), 3).close()

        attempt("dns", lambda: socket.getaddrinfo("github.com", 443))
        for host in ${JSON.stringify(['host.docker.internal', hostAddress()])}:
            attempt("tcp " + host, lambda: connect(host, ${port}))
        attempt("internet", lambda: connect("140.82.112.3", 443))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        attempt("udp", lambda: udp.connect(("8.8.8.8", 53)))
        with open("/proc/net/route") as f:
            seen["routes"] = f.read().splitlines()[1:]

        attempt("write /etc", lambda: open("/etc/x", "w"))
        attempt("write /usr", lambda: open("/usr/bin/x", "w"))
        attempt("mknod", lambda: os.mknod("/tmp/block", stat.S_IFBLK | 0o600, os.makedev(8, 0)))
        open("/tmp/owned", "w").close()
        attempt("chown", lambda: os.chown("/tmp/owned", 12345, 12345))
        with open("/proc/self/status") as f:
            seen["status"] = dict(line.split(":", 1) for line in f.read().replace("\\t", "").splitlines())
        word = "${proxyWord.slice(0, 4)}" + "${proxyWord.slice(4)}"
        told = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for name in ["environ", "cmdline"]:
                try:
                    with open(f"/proc/{pid}/{name}", "rb") as f:
                        told += word.encode() in f.read()
                except OSError:
                    pass
        seen["proxy's password seen"] = told
        seen["proxy settings"] = sorted(v for k, v in os.environ.items() if k.lower().endswith("_proxy") and v)
        return json.dumps(seen)
`;

/** A project whose recipe of Slurm does more than it should. */
function hostileProject(name: string, hook: string): string {
  const root = projectWithOwnRecipes(join(folder, name));
  const recipe = join(root, 'spack-repo', 'spack_repo', 'slurm_factory', 'packages', 'slurm', 'package.py');
  const text = readFileSync(recipe, 'utf8');
  const place = '    def _check_features(self):\n';
  expect(text).toContain(place);
  writeFileSync(recipe, text.replace(place, `${attempts()}\n${hook}\n${place}`));
  return root;
}

const build = (root: string, more: readonly string[] = [], env: Record<string, string> = {}) =>
  runCli(
    [
      'build',
      '24.11.6',
      ...['--engine', 'docker', '--source-mirror', `file://${mirror}`, '--verbose', ...more],
      ...['--cache-dir', cacheDir, '--output-dir', outputDir],
    ],
    { root, env },
  );

/** Every file below a folder that has a text in it, packed ones unpacked. */
function filesWith(text: string, below: string): string[] {
  return readdirSync(below, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(below, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
    const bytes = readFileSync(path);
    const whole = bytes.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])) ? gunzipSync(bytes) : bytes;
    return whole.includes(text);
  });
}

/** Nothing of the machine was changed, nothing of it has come out, and no container is left. */
function expectUnharmed(output: string): void {
  for (const [name, text] of Object.entries(files)) {
    expect(readFileSync(join(canaries, name), 'utf8')).toBe(text);
  }
  expect(readdirSync(canaries, { recursive: true }).sort()).toEqual([
    'folder',
    'folder/secretR',
    'overwritten',
    'secret',
  ]);
  expect(output).not.toContain(canary);
  for (const below of [cacheDir, outputDir]) {
    cpSync(below, `${below}-seen`, { recursive: true, verbatimSymlinks: true });
    expect(filesWith(canary, `${below}-seen`)).toEqual([]);
    rmSync(`${below}-seen`, { recursive: true });
  }
  const left = docker('ps', '--all', '--format', '{{.Names}} {{.Mounts}}').split('\n');
  expect(left.filter((line) => line.includes(folder))).toEqual([]);
}

describe('a recipe that plants links and tries to get out', () => {
  e2e(
    'and fails: its log is kept, without anything of the machine',
    () => {
      mkdirSync(outputDir, { recursive: true });
      const hook =
        '    @run_before("configure")\n    def _fail(self):\n        raise InstallError("it is " + self._hostile())\n';
      const done = build(hostileProject('failing', hook));
      expect(done.exitCode).toBe(4);
      expect(done.stderr).toContain('"link user-cache/ccache/ccache.tar": "done"');
      expectUnharmed(done.stderr);
      const logs = join(cacheDir, 'logs', `${target}-logs`);
      expect(readdirSync(logs).some((name) => name.startsWith('slurm-24-11-6-1-'))).toBe(true);
      expect(readdirSync(outputDir)).toEqual([]);
    },
    20 * minutes,
  );

  e2e(
    'and goes on: the result is handed out, and it has seen no network, no right and no password',
    () => {
      const hook = [
        '    @run_after("install")',
        '    def _tell(self):',
        '        with open(join_path(self.prefix.share, "seen.json"), "w") as f:',
        '            f.write(self._hostile())',
        '',
      ].join('\n');
      const proxy = `http://me:${proxyWord}@127.0.0.1:9`;
      const env = { https_proxy: proxy, HTTP_PROXY: proxy, no_proxy: 'localhost' };
      const done = build(hostileProject('going-on', hook), ['--smoke-test', 'false'], env);
      expect(done.stderr.slice(-4000)).not.toContain('error:');
      expect(done.exitCode).toBe(0);
      expectUnharmed(done.stderr);
      const tarball = join(outputDir, `${target}-software.tar.gz`);
      const member = `${target}/share/seen.json`;
      const seen = JSON.parse(execFileSync('tar', ['-xzOf', tarball, member], { encoding: 'utf8' }));
      const outcomes = (part: string) =>
        Object.entries(seen)
          .filter(([name]) => name.startsWith(part))
          .map(([, outcome]) => outcome);
      // Where results and what comes from outside lie, nothing can be planted (EROFS).
      const sealed = ['output', 'arrivals', 'fetched', 'sources', 'overlay', 'packages', 'spack/'];
      for (const place of sealed) {
        expect(outcomes(`link ${place}`)).not.toEqual([]);
        for (const outcome of outcomes(`link ${place}`)) expect(outcome).toBe('OSError 30');
      }
      for (const place of ['environment', 'build-cache', 'user-cache', 'stage', 'store']) {
        for (const outcome of outcomes(`link ${place}`)) expect(outcome).toBe('done');
      }
      expect(seen.routes).toEqual([]);
      expect(outcomes('tcp ').length).toBeGreaterThan(1);
      for (const outcome of [...outcomes('tcp '), ...outcomes('dns'), seen.internet, seen.udp]) {
        expect(outcome).not.toBe('done');
      }
      expect(outcomes('write ')).toEqual(['OSError 30', 'OSError 30']);
      expect(seen.mknod).toBe('PermissionError 1');
      expect(seen.chown).toBe('PermissionError 1');
      expect(seen.status).toMatchObject({
        CapEff: '0000000000000000',
        CapBnd: '0000000000000000',
        NoNewPrivs: '1',
      });
      expect(seen["proxy's password seen"]).toBe(0);
      expect(seen['proxy settings']).toEqual([]);
      for (const below of [cacheDir, outputDir]) expect(filesWith(proxyWord, below)).toEqual([]);
      expect(done.stderr).not.toContain(proxyWord);
    },
    30 * minutes,
  );
});
