import { ConfigurationError, MissingRequirementError, NoEngineError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import type { ProcessRunner } from '../base/ports.js';
import { lastLine } from '../base/text.js';
import type { EngineChoice } from '../config/schema.js';
import type { Toolchain } from '../targets/toolchains.js';

/** The container engine that was found; `none` builds on the machine itself. */
export type Engine =
  | { readonly kind: 'docker' | 'podman'; readonly version: string }
  | { readonly kind: 'none'; readonly version: '' };

/**
 * Finds the engine that an input asks for. `auto` takes Docker, then Podman, then the machine itself
 * where it runs the toolchain's own distribution.
 * @throws NoEngineError when none answers, MissingRequirementError for a machine of another distribution
 */
export async function findEngine(
  choice: EngineChoice,
  host: Host,
  toolchain: Toolchain,
  process: ProcessRunner,
): Promise<Engine> {
  const fits = host.os.id === toolchain.os.id && host.os.version === toolchain.os.version;
  if (choice === 'none') {
    if (fits) return { kind: 'none', version: '' };
    throw new MissingRequirementError(
      `engine: none builds on this machine, which runs '${host.os.id} ${host.os.version}', not ${toolchain.name}.`,
      'Start a container engine, or choose the toolchain of this distribution.',
    );
  }
  const kinds = choice === 'auto' ? (['docker', 'podman'] as const) : [choice];
  const answers: string[] = [];
  for (const kind of kinds) {
    const answer = await askEngine(kind, process);
    if ('version' in answer) return { kind, version: answer.version };
    answers.push(`${kind}: ${answer.problem}`);
  }
  if (choice === 'auto' && fits) return { kind: 'none', version: '' };
  throw new NoEngineError(
    `No container engine answers (${answers.join('; ')}).`,
    choice === 'docker' || choice === 'auto'
      ? 'Start Docker (systemctl start docker) or install Podman, then run this again.'
      : 'Check what `podman info` says, then run this again.',
  );
}

async function askEngine(
  kind: 'docker' | 'podman',
  process: ProcessRunner,
): Promise<{ version: string } | { problem: string }> {
  const result = await process.run([kind, 'version', '--format', '{{json .}}']);
  if (result.exitCode === 127) return { problem: 'not installed' };
  const version = engineVersion(result.stdout);
  if (result.exitCode === 0 && version !== undefined) return { version };
  return { problem: lastLine(result.stderr) || `exit code ${result.exitCode}` };
}

/** Version of the server (Docker) or of the engine itself (Podman) from `version --format {{json .}}`. */
export function engineVersion(json: string): string | undefined {
  try {
    const parsed = JSON.parse(json);
    return parsed.Server?.Version ?? (parsed.Server === undefined ? parsed.Client?.Version : undefined);
  } catch {
    return undefined;
  }
}

/** The program of an engine that runs containers. */
export function engineProgram(engine: Engine): 'docker' | 'podman' {
  if (engine.kind === 'none')
    throw new ConfigurationError('engine none has no program', 'Report this defect.');
  return engine.kind;
}
