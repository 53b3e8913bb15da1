// What the measured ways need before they start, counted on none of them: the source mirror, the clones
// and the builder image.
import { join } from 'node:path';
import { fillMirror } from '../__tests__/support/sources.js';
import { type Host, inspectHost } from '../src/base/host.js';
import { ensureImage } from '../src/container/image.js';
import { nodeProcess } from '../src/local/process.js';
import { nodeWeb } from '../src/local/web.js';
import { openProject, type Project } from '../src/pipeline/project.js';
import { type ResolvedBuild, resolveBuild } from '../src/pipeline/resolve.js';
import { bringSources } from '../src/pipeline/stages/sources.js';
import { resolveRelease } from '../src/targets/releases.js';
import { type Bench, type Prepared, quietLogger, timed } from './bench.js';
import type { Preparation } from './results.js';

/** Brings all of it. */
export async function prepare(bench: Bench): Promise<Prepared & { readonly preparation: Preparation }> {
  const { root, settings, work, say } = bench;
  const { release, nextRelease, mirror } = settings;
  say('== source archives, clones and builder image');
  const sources = await timed(() => fillMirror(mirror, root, [release, nextRelease]));
  const project = await openProject(root);
  const found = resolveRelease(project.releases, release);
  if (typeof found === 'string') throw new Error(found);
  const host = await inspectHost(process.env);
  const buildDir = join(work, 'builds');
  const plan = await planOf(bench, project, host, buildDir);
  const ports = { process: nodeProcess, logger: { ...quietLogger(say), info: say } };
  const clones = await timed(() => bringSources(plan, project, ports));
  const image = await timed(() =>
    ensureImage('docker', plan.image, host, join(work, 'image-context'), ports),
  );
  return {
    ...bench,
    ...{ plan, host, release: found, buildDir },
    image: image.value.tag,
    preparation: {
      sources: sources.seconds,
      clones: clones.seconds,
      builderImage: { seconds: image.seconds, reused: image.value.reused },
    },
  };
}

/** All decisions of the cold build, as the command line takes them. */
async function planOf(
  { settings, work, signal }: Bench,
  project: Project,
  host: Host,
  buildDir: string,
): Promise<ResolvedBuild> {
  const values = {
    'slurm-version': settings.release,
    toolchain: settings.toolchain,
    engine: 'docker',
    'source-mirror': settings.mirror,
    'output-dir': join(work, 'planned'),
  };
  const plan = await resolveBuild(
    {
      layers: [{ origin: 'option', values }],
      ...{ project, host },
      cwd: work,
      workRoot: buildDir,
      transfer: join(work, 'transfer', 'plan'),
      trigger: { event: undefined, ref: undefined, fromFork: false },
      env: {},
      runId: 'bench',
      installMissing: false,
    },
    { process: nodeProcess, web: nodeWeb(process.env), signal },
  );
  if (plan.engine instanceof Error) throw plan.engine;
  return plan;
}
