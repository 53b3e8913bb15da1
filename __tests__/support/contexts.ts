import { createRequire } from 'node:module';

/**
 * Set-up of the unit tests: ends the contexts (AsyncLocalStorage) that Jest left on for the files which this
 * worker has run before. Before Node 24 each of them costs time at every promise of all later files.
 */

const require = createRequire(import.meta.url);
const { AsyncLocalStorage } = require('node:async_hooks') as typeof import('node:async_hooks');

type Context = InstanceType<typeof AsyncLocalStorage>;
const key = Symbol.for('slurm-factory.contexts');
// The class is the same for all files of a worker.
const store = AsyncLocalStorage as unknown as { [key]?: Set<Context> };

if (store[key] === undefined) {
  const used = new Set<Context>();
  store[key] = used;
  const { run } = AsyncLocalStorage.prototype;
  AsyncLocalStorage.prototype.run = function (this: Context, ...args: Parameters<Context['run']>) {
    used.add(this);
    return run.apply(this, args);
  } as Context['run'];
}
for (const context of store[key] ?? []) context.disable();
store[key]?.clear();
