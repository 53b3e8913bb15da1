import { describeError } from '../base/errors.js';
import type { Ports } from '../base/ports.js';
import { type Keyring, withKeyring } from '../bundle/signature.js';
import { buildCacheName } from '../targets/build-cache.js';
import type { BuildContext } from './context.js';
import type { Recorder } from './record.js';
import type { ResolvedBuild } from './resolve.js';
import { type SharedCache, SharedPackages, type Sharer, secretsOf } from './shared.js';
import type { Builder } from './stages/builder.js';
import { readPrefixes } from './stages/installed.js';

/**
 * Opens the build cache that machines share, where the inputs name one, and closes it when the build's result is
 * there: what is pushed is pushed beside the stages that follow. That it can't be opened is a warning.
 */
export async function openShared(
  context: BuildContext,
  builder: Builder,
): Promise<SharedPackages | undefined> {
  const { build, ports, recorder } = context;
  const { shared } = build;
  if (shared === undefined) return undefined;
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return new Promise((opened) => {
    const used = whileShared({ build, shared, builder, recorder, ports, locked: true }, async (sharer) => {
      const database = async () => (await readPrefixes(build, sharer.session.layout)).keys();
      const packages = new SharedPackages(shared, sharer, ports.logger, ports.signal, database);
      opened(packages);
      await ended;
      await packages.settled();
    }).catch((error: unknown) => {
      if (!ports.signal.aborted) {
        const name = buildCacheName(shared.cache);
        ports.logger.warning(`The build cache ${name} is not used: ${describeError(error)}`);
      }
      opened(undefined);
    });
    context.defer(async () => {
      end();
      await used;
    });
  });
}

/** What a sharing session is made for. */
export interface SharedWork {
  readonly build: ResolvedBuild;
  readonly shared: SharedCache;
  readonly builder: Builder;
  readonly recorder: Recorder;
  readonly ports: Pick<Ports, 'process' | 'logger' | 'env'>;
  readonly locked: boolean;
}

/** Gives `body` a sharing session, and ends that, and the keyring that it signs with, whatever happens. */
export async function whileShared(
  { build, shared, builder, recorder, ports, locked }: SharedWork,
  body: (sharer: Sharer) => Promise<void>,
): Promise<void> {
  const { signing } = build.options;
  for (const secret of secretsOf(shared)) ports.logger.mask(secret);
  const run = async (keyring: Keyring | undefined) => {
    const sharer = await builder.startShare({ shared, keyring, locked }, recorder);
    try {
      await body(sharer);
    } finally {
      await sharer.session.stop();
      recorder.dropContainer('share');
    }
  };
  if (!shared.signed || signing === undefined) return run(undefined);
  const onFolder = (folder: string) => recorder.addCleanup({ what: 'keyring', folder });
  return withKeyring(ports.process, { ...signing, env: ports.env, logger: ports.logger, onFolder }, run);
}
