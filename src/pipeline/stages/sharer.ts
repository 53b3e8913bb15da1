import { join } from 'node:path';
import type { Ports } from '../../base/ports.js';
import type { Keyring } from '../../bundle/signature.js';
import { ensureShareImage } from '../../container/image.js';
import {
  containerLayout,
  type Mount,
  sharedFolder,
  shareKeyring,
  shareScope,
} from '../../container/layout.js';
import { ensurePython } from '../../container/machine.js';
import { machineSession, type SessionPlan, startShare } from '../../container/session.js';
import type { SharedPlaces } from '../../spack/shared.js';
import { containerOf } from '../confine.js';
import type { Recorder } from '../record.js';
import type { BuildRequest, ResolvedBuild } from '../resolve.js';
import { networkTo, type SharedCache, type Sharer, writeSharing } from '../shared.js';

/** What a sharing session is started with. */
export interface ShareStart {
  readonly shared: SharedCache;
  /** What packages are signed and checked with. */
  readonly keyring: Keyring | undefined;
  /** Whether there is an environment with a lock. */
  readonly locked: boolean;
}

export type StartShare = (start: ShareStart, recorder: Recorder) => Promise<Sharer>;

type SharePorts = Pick<Ports, 'process' | 'logger' | 'env' | 'signal'>;

/** Folder of a build for what its sharing session has. */
const ownFolder = ({ buildFolder }: ResolvedBuild): string => join(buildFolder, 'share');

/** In a container: a builder image's, or one that also speaks S3 and signs. */
export const shareInContainer =
  (
    build: ResolvedBuild,
    { project, host }: BuildRequest,
    plan: Omit<SessionPlan, 'name'>,
    ports: SharePorts,
  ): StartShare =>
  async ({ shared, keyring, locked }, recorder) => {
    const own = ownFolder(build);
    const { toolchain } = build;
    const parts = await project.sharing(toolchain.packageManager);
    const { program } = plan;
    const definition = { ...parts, toolchain, builder: plan.image };
    const image =
      shared.cache.kind === 's3' || keyring !== undefined
        ? await ensureShareImage(program, definition, host, join(own, 'image-context'), ports)
        : plan.image;
    const lent = await keyring?.lend(shareKeyring);
    const places: SharedPlaces = {
      scope: shareScope,
      folder: sharedFolder,
      keyring: lent === undefined ? undefined : shareKeyring,
    };
    const environment = locked ? build.hostLayout.environment : undefined;
    await writeSharing(own, { shared, places, layout: containerLayout, look: parts.look, environment });
    const mounts: Mount[] = [
      ...(shared.cache.kind === 'file'
        ? [{ source: shared.cache.path, target: sharedFolder, readOnly: !shared.push }]
        : []),
      ...(lent === undefined ? [] : [{ source: lent, target: shareKeyring, readOnly: false }]),
    ];
    const name = containerOf(build.buildFolder, 'share');
    recorder.addCleanup({ what: 'container', kind: 'share', program, name });
    const network = networkTo(shared);
    const session = await startShare(
      { ...plan, image, name },
      build.hostLayout,
      { own, mounts, network },
      ports,
    );
    return { session, places, key: keyring?.fingerprint };
  };

/** On the machine itself. */
export const shareOnMachine =
  (
    build: ResolvedBuild,
    { project, host, env, workRoot }: BuildRequest,
    { process, logger }: SharePorts,
  ): StartShare =>
  async ({ shared, keyring, locked }) => {
    const own = ownFolder(build);
    const { toolchain } = build;
    const parts = await project.sharing(toolchain.packageManager);
    const requirements =
      shared.cache.kind === 's3'
        ? `${build.image.requirements}${parts.requirements}`
        : build.image.requirements;
    const python = await ensurePython(workRoot, { toolchain, requirements }, host.caBundle, {
      process,
      logger,
    });
    const layout = { ...build.hostLayout, environment: join(own, 'environment') };
    const places: SharedPlaces = {
      scope: join(own, 'scope'),
      folder: shared.cache.kind === 'file' ? shared.cache.path : '',
      keyring: await keyring?.lend(),
    };
    const environment = locked ? build.hostLayout.environment : undefined;
    await writeSharing(own, { shared, places, layout, look: parts.look, environment });
    return {
      session: machineSession(layout, python, process, env, host),
      places,
      key: keyring?.fingerprint,
    };
  };
