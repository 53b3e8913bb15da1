import type { Layer } from '../config/layers.js';
import type { LocalBuildRequest } from '../local/build.js';
import type { LocalPlace, Machine } from '../local/machine.js';
import { type Context, type Given, isGiven } from './command.js';
import { readSecretFiles, type SecretFiles } from './secrets.js';
import { levelOf, openLog, settle } from './settings.js';
import { cancellable } from './signals.js';
import { openView } from './view.js';

/** What a part of the pipeline is run with. */
export interface Running {
  readonly request: LocalBuildRequest;
  readonly place: LocalPlace;
  readonly machine: Machine;
}

/** A call of a command that runs a part of the pipeline. */
export interface RunningCall {
  readonly given: Given;
  readonly context: Context;
  /** Inputs among its options and arguments. */
  readonly layer: Layer;
  /** Files that secret inputs are read from, by the input. */
  readonly secretFiles: SecretFiles;
}

/** What is said of a build that a signal ends, and what to do. */
const buildCancelled = ['The build was cancelled.', 'Run it again; what was built is kept.'] as const;

/** Runs a part of the pipeline as a command does: with settings, log and live view, ended by signals. */
export async function runInView<T>(
  { given, context, layer, secretFiles }: RunningCall,
  body: (running: Running) => Promise<T>,
  cancelled: readonly [message: string, hint: string] = buildCancelled,
): Promise<T> {
  const { invocation } = context;
  const settled = await settle(given, context, layer);
  const { cacheDir, buildDir, spackCache, layers } = settled;
  const secrets = await readSecretFiles(secretFiles, invocation.cwd);
  const machine = await context.machine();
  const request = {
    layers: [...layers, { origin: 'option', values: secrets } as const],
    project: await machine.openProject(context.root),
    cwd: invocation.cwd,
  };
  const level = levelOf(given, settled);
  // A program that asks for a password needs the terminal to itself.
  const live = context.screen.live && level === 'info' && !isGiven(given, 'install-missing');
  const view = await openView({ ...context, screen: { ...context.screen, live } }, cacheDir);
  const log = await openLog(view.logger, level, settled);
  const run = async (signal: AbortSignal): Promise<T> => {
    signal.addEventListener('abort', () => view.cancelling(log.logger), { once: true });
    const place = {
      ...{ cacheDir, buildDir, spackCache, env: invocation.env, logger: log.logger, signal },
      ...(view.progress === undefined ? {} : { progress: view.progress }),
    };
    return body({ request, place, machine });
  };
  return cancellable(cancelled, run).finally(() => {
    log.close();
    view.close();
  });
}
