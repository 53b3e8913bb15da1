import { describe, expect, test } from '@jest/globals';
import { MissingRequirementError, NoEngineError } from '../../../src/base/errors.js';
import type { EngineChoice } from '../../../src/config/inputs.js';
import { type Engine, engineVersion, findEngine, tellEngine } from '../../../src/container/engine.js';
import { type Answer, fakeProcess, host, recordingLogger, toolchain } from '../../support/fakes.js';

const dockerUp: Answer = {
  stdout: '{"Client":{"Version":"27.0.0"},"Server":{"Version":"26.1.5","Os":"linux"}}',
};
// What Docker really answers without its daemon: the client's facts, and an exit code.
const dockerDown: Answer = {
  exitCode: 1,
  stdout: '{"Client":{"Version":"27.0.0"},"Server":null}',
  stderr: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.',
};
const podmanUp: Answer = { stdout: '{"Client":{"APIVersion":"4.3.1","Version":"4.3.1"}}' };
const missing: Answer = { exitCode: 127, stderr: 'not found' };
const bookworm = host({ os: { id: 'debian', version: '12' } });

const machine = (docker: Answer, podman: Answer) =>
  fakeProcess((command) => (command[0] === 'docker' ? docker : podman));

describe('findEngine', () => {
  test.each<[string, EngineChoice, Answer, Answer, Engine]>([
    ['Docker goes first', 'auto', dockerUp, podmanUp, { kind: 'docker', version: '26.1.5' }],
    ['Docker down', 'auto', dockerDown, podmanUp, { kind: 'podman', version: '4.3.1' }],
    ['Docker missing', 'auto', missing, podmanUp, { kind: 'podman', version: '4.3.1' }],
    ['Podman by name', 'podman', dockerUp, podmanUp, { kind: 'podman', version: '4.3.1' }],
    ['Docker by name', 'docker', dockerUp, missing, { kind: 'docker', version: '26.1.5' }],
  ])('%s', async (_, choice, docker, podman, expected) => {
    expect(await findEngine(choice, host(), toolchain(), machine(docker, podman))).toMatchObject(expected);
  });

  test("where none answers, auto takes a machine of the toolchain's own distribution", async () => {
    const engine = await findEngine('auto', bookworm, toolchain(), machine(dockerDown, missing));
    expect(engine).toMatchObject({ kind: 'none', version: '' });
  });

  test('auto does not, where an engine answers', async () => {
    const engine = await findEngine('auto', bookworm, toolchain(), machine(missing, podmanUp));
    expect(engine.kind).toBe('podman');
  });

  test.each<[string, EngineChoice, Answer, Answer, RegExp]>([
    [
      'auto',
      'auto',
      dockerDown,
      missing,
      /docker: Cannot connect to the Docker daemon.*podman: not installed/,
    ],
    ['docker, though Podman is up', 'docker', dockerDown, podmanUp, /docker: Cannot connect/],
    ['podman, though Docker is up', 'podman', dockerUp, missing, /podman: not installed/],
    [
      'an answer that is no JSON',
      'docker',
      { stdout: 'Emulate Docker CLI using podman' },
      missing,
      /docker: exit code 0/,
    ],
    ['an exit code without a word', 'docker', { exitCode: 125 }, missing, /docker: exit code 125/],
  ])('%s: NoEngineError says what each said', async (_, choice, docker, podman, message) => {
    const attempt = findEngine(choice, host(), toolchain(), machine(docker, podman));
    await expect(attempt).rejects.toThrow(NoEngineError);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toMatchObject({
      exitCode: 3,
      hint: expect.stringContaining('run this again'),
    });
  });

  test('an engine by name is not replaced by the machine itself', async () => {
    const attempt = findEngine('docker', bookworm, toolchain(), machine(dockerDown, missing));
    await expect(attempt).rejects.toThrow(NoEngineError);
  });

  test('none takes a fitting machine and asks nobody', async () => {
    const process = machine(dockerUp, podmanUp);
    expect(await findEngine('none', bookworm, toolchain(), process)).toMatchObject({
      kind: 'none',
      version: '',
    });
    expect(process.calls).toEqual([]);
  });

  test.each([
    ['another distribution', { id: 'ubuntu', version: '24.04' }],
    ['another version of it', { id: 'debian', version: '13' }],
    ['no word of what it is', { id: '', version: '' }],
  ])('none on a machine of %s is refused', async (_, os) => {
    const attempt = findEngine('none', host({ os }), toolchain(), machine(dockerUp, podmanUp));
    await expect(attempt).rejects.toThrow(MissingRequirementError);
    await expect(attempt).rejects.toThrow(`'${os.id} ${os.version}', not Debian 12 (bookworm)`);
  });
});

test.each<[string, string, string | undefined]>([
  ['Docker with its server', dockerUp.stdout ?? '', '26.1.5'],
  ['Docker without', dockerDown.stdout ?? '', undefined],
  ['Podman', podmanUp.stdout ?? '', '4.3.1'],
  ['no JSON', 'Docker version 27', undefined],
  ['nothing', '', undefined],
  ['null', 'null', undefined],
])('engineVersion of %s', (_, json, version) => {
  expect(engineVersion(json)).toBe(version);
});

test.each<[string, EngineChoice, Answer, Answer, 'info' | 'warning', RegExp]>([
  ['Docker by itself', 'auto', dockerUp, podmanUp, 'info', /^Engine: docker 26\.1\.5 \(it answers\)$/],
  [
    'Podman, and why not Docker',
    'auto',
    missing,
    podmanUp,
    'info',
    /^Engine: podman 4\.3\.1 \(it answers; docker: not installed\)$/,
  ],
  ['what was asked for', 'podman', dockerUp, podmanUp, 'info', /^Engine: podman 4\.3\.1 \(as asked for\)$/],
  [
    'none, as asked for',
    'none',
    dockerUp,
    missing,
    'info',
    /none, as asked for; .*machine itself, unconfined/,
  ],
  [
    'none, which nobody asked for',
    'auto',
    dockerDown,
    missing,
    'warning',
    /^No container engine answers \(docker: Cannot .*; podman: not installed\), so .* unconfined.*engine: none/,
  ],
])('a user is told of %s', async (_, choice, docker, podman, level, message) => {
  const logger = recordingLogger();
  tellEngine(await findEngine(choice, bookworm, toolchain(), machine(docker, podman)), logger);
  expect(logger.log).toEqual([{ level, message: expect.stringMatching(message) }]);
});
