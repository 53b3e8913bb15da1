// What the figures were measured on.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release as kernel, loadavg, totalmem } from 'node:os';
import { parseOsRelease } from '../src/base/host.js';
import type { MachineFacts } from './results.js';

export function describeMachine(): MachineFacts {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: parseOsRelease(readFileSync('/etc/os-release', 'utf8'))['PRETTY_NAME'],
    kernel: kernel(),
    node: process.version,
    // What else is going on: figures of a busy machine say little.
    loadAtStart: loadavg()[0] ?? 0,
    ...describeEngine(),
  };
}

const ask = (...words: readonly string[]): string =>
  execFileSync('docker', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

// Start-up can be measured without an engine.
function describeEngine(): Pick<MachineFacts, 'engine' | 'otherContainers'> {
  try {
    const version = ask('version', '--format', '{{.Server.Version}}');
    const others = ask('ps', '--quiet').split('\n');
    return {
      engine: `Docker ${version}, ${ask('info', '--format', '{{.Driver}}')}`,
      otherContainers: others.filter((line) => line !== '').length,
    };
  } catch {
    return { engine: undefined, otherContainers: 0 };
  }
}
