import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeSigningKey } from '../support/gpg.js';
import { prepareMachine, temporaryFolder } from '../support/prepare.js';
import { runWorkflow } from '../support/runner/act.js';
import { makeActionWorkspace } from '../support/runner/workspace.js';
import { type ResultsService, startResultsService } from '../support/services/results-service.js';

const minutes = 60_000;
const folder = temporaryFolder('secrets');
const programs = join(folder, 'programs');
const seen = join(folder, 'seen');
let service: ResultsService;

/**
 * A program in the engine's and git's place: it keeps what can be read of the processes from itself up to
 * the action's own, and what lies in memory, then answers as given.
 */
const watcher = (name: string, answer: string) => `#!/bin/sh
pid=$$
while [ "$pid" -gt 1 ]; do
  tr '\\0' '\\n' <"/proc/$pid/environ" >"${seen}/${name}-$$-$pid.environ"
  tr '\\0' '\\n' <"/proc/$pid/cmdline" >"${seen}/${name}-$$-$pid.cmdline"
  case $(readlink "/proc/$pid/exe") in */node) echo "$pid" >"${seen}/${name}-$$.node"; break ;; esac
  pid=$(awk '/^PPid:/ {print $2}' "/proc/$pid/status")
done
ls /dev/shm >"${seen}/${name}-$$.shm"
${answer}
`;

beforeAll(async () => {
  for (const path of [programs, seen]) mkdirSync(path, { recursive: true });
  symlinkSync(join(await prepareMachine(), 'node'), join(programs, 'node'));
  const forged = "printf '::set-output name=target::forged\\n##[error]forged\\n' >&2; exit 1";
  const scripts = {
    docker: `[ "$1" = version ] && { echo '{"Server":{"Version":"20.10"}}'; exit 0; }; ${forged}`,
    git: forged,
  };
  for (const [name, answer] of Object.entries(scripts)) {
    writeFileSync(join(programs, name), watcher(name, answer), { mode: 0o755 });
  }
  service = await startResultsService({ directory: join(folder, 'service') });
}, 20 * minutes);

afterAll(async () => {
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

test(
  'no process that the action starts can read a secret, of its own or in the environment of the action',
  async () => {
    const passphrase = 'correct horse staple';
    const privateKey = makeSigningKey(join(folder, 'gpg'), passphrase);
    const token = service.tokenFor('job', '1');
    const done = await runWorkflow({
      workflow: '__tests__/e2e/workflows/secrets.yml',
      event: 'workflow_dispatch',
      workspace: makeActionWorkspace(join(folder, 'workspace')),
      service: { url: service.url, token },
      cacheServerPath: join(folder, 'cache-server'),
      nodeDirectory: programs,
      env: { OUTPUT_DIR: join(folder, 'out'), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'id-token-request' },
      secrets: {
        GPG_PRIVATE_KEY: privateKey,
        GPG_PASSPHRASE: passphrase,
        JOB_TOKEN: 'ghs_of-the-job',
        OTHER_TOKEN: 'ghs_of-others',
      },
    });
    // The watcher in git's place fails, so the build does: by our error, with the key read and taken.
    expect(done.log).toMatch(/can.t be reached|Spack/);
    expect(done.exitCode).not.toBe(0);
    // The toolkit still finds its token, where no copy of the environment has it.
    expect(done.log).toContain('The result cache has nothing for this content key.');
    expect(done.log).not.toMatch(/cache could not|ACTIONS_RUNTIME_TOKEN|cache service/i);
    expect(done.step('slurm').outputs['target']).not.toBe('forged');

    const files = readdirSync(seen);
    const text = (file: string) => readFileSync(join(seen, file), 'utf8');
    // The watcher came up to the action's own process, and saw an environment there.
    const nodes = files.filter((file) => file.endsWith('.node'));
    expect(nodes.some((file) => file.startsWith('docker'))).toBe(true);
    expect(nodes.some((file) => file.startsWith('git'))).toBe(true);
    for (const file of nodes) {
      const environ = text(file.replace('.node', `-${text(file).trim()}.environ`));
      expect(environ).toContain('INPUT_SLURM-VERSION=24.11.6');
      expect(environ).toContain('GITHUB_REPOSITORY=');
    }
    const secrets = [
      passphrase,
      ...privateKey.split('\n').filter((line) => line.length > 40),
      token,
      'id-token-request',
      'ghs_of-the-job',
      'ghs_of-others',
    ];
    const leaks = files.flatMap((file) =>
      secrets.filter((secret) => text(file).includes(secret)).map((secret) => `${file}: ${secret}`),
    );
    expect(leaks).toEqual([]);
    // Nor does the file that they came over by outlive the start.
    const shm = files.filter((file) => file.endsWith('.shm'));
    expect(shm.filter((file) => text(file).includes('slurm-factory-secrets'))).toEqual([]);
    expect(readdirSync('/dev/shm').filter((name) => name.includes('slurm-factory-secrets'))).toEqual([]);
    // Children have what the list lets through, and nothing of the workflow's.
    const children = files.filter((file) => /^(docker|git)-(\d+)-\2\.environ$/.test(file));
    expect(children.length).toBeGreaterThan(1);
    for (const file of children) expect(text(file)).not.toMatch(/^(INPUT|ACTIONS|GITHUB|RUNNER|STATE)_/m);
  },
  5 * minutes,
);
