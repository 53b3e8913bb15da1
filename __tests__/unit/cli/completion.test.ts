import { describe, expect, test } from '@jest/globals';
import { commands } from '../../../src/cli/commands/index.js';
import { completionScript, isShell, shells } from '../../../src/cli/completion.js';

const lists = { toolchain: ['bookworm', 'noble'], release: ['latest', '25.05', '24.11'] };
const script = (shell: (typeof shells)[number]) => completionScript(shell, commands, lists);

describe.each(shells)('%s', (shell) => {
  const text = script(shell);

  test('completes every command and each of its options', () => {
    for (const { name, options } of commands) {
      expect(text).toMatch(new RegExp(`\\b${name}\\b`));
      for (const option of options) expect(text).toMatch(new RegExp(`(--|-l )${option.name}\\b`));
    }
    expect(text).toContain('no-smoke-test');
  });

  test('offers no option that the command line does not have', () => {
    expect(text).not.toMatch(/retention-days|(--|-l )(upload|gpg-passphrase|github-token)(?!-file)\b/);
  });

  test('offers the values that there are', () => {
    expect(text).toContain('none cuda rocm oneapi all false true');
    expect(text).toContain('auto docker podman none');
    expect(text).toContain(lists.toolchain.join(' '));
    expect(text).toContain(lists.release.join(' '));
  });

  test('has quotes in pairs', () => {
    for (const line of text.split('\n')) {
      expect(line.replaceAll(/\\['"]|'\\''/g, '').split("'").length % 2).toBe(1);
    }
  });
});

test('a value that is a word of a list is completed where its option is: bash', () => {
  expect(script('bash')).toContain(
    `'audit --engine') COMPREPLY=($(compgen -W 'auto docker podman none' -- "$word")) ;;`,
  );
});

test('a shell that there is no script for is none', () => {
  expect(isShell('fish')).toBe(true);
  expect(isShell('tcsh')).toBe(false);
});
