import { createRequire } from 'node:module';

/**
 * Set-up of the unit tests, once in each of their workers. Together these halve the tests' time.
 */

const require = createRequire(import.meta.url);
const { AsyncLocalStorage } = require('node:async_hooks') as typeof import('node:async_hooks');
const { execFileSync } = require('node:child_process') as typeof import('node:child_process');
const { readFileSync } = require('node:fs') as typeof import('node:fs');

const done = Symbol.for('slurm-factory.worker');
// The class is the same for all files of a worker, while all else is new for each of them.
const prototype = AsyncLocalStorage.prototype as unknown as {
  [done]?: true;
  run(store: unknown, call: (...rest: unknown[]) => unknown, ...rest: unknown[]): unknown;
  getStore(): unknown;
};

if (prototype[done] === undefined) {
  prototype[done] = true;
  replaceContexts();
  stayOnOneCpu();
}

/**
 * A context (AsyncLocalStorage) of Jest's becomes a plain variable, set while its function runs. Before Node 24 a
 * real one costs time at every promise, and Jest leaves it on for all later files of the worker. One test runs at a
 * time, so that nobody sees the difference.
 */
function replaceContexts(): void {
  const stores = new WeakMap<object, unknown>();
  prototype.getStore = function (this: object) {
    return stores.get(this);
  };
  prototype.run = function (this: object, store, call, ...rest) {
    const before = stores.get(this);
    const restore = () => stores.set(this, before);
    stores.set(this, store);
    let result: unknown;
    try {
      result = call(...rest);
    } catch (error) {
      restore();
      throw error;
    }
    if (result instanceof Promise) return result.finally(restore);
    restore();
    return result;
  };
}

/**
 * Each operation on a file goes through a thread, and to wake one on another CPU takes longer than the operation. A
 * machine without `taskset` does without.
 */
function stayOnOneCpu(): void {
  try {
    const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
    const cpus = allowed.split(',').flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
    const cpu = cpus[(Number(process.env['JEST_WORKER_ID']) - 1) % cpus.length];
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(cpu), String(process.pid)], {
      stdio: 'ignore',
    });
  } catch {
    // slower, not wrong
  }
}
