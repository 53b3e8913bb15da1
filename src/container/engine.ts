import { MissingRequirementError, NoEngineError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import { lastLine } from '../base/text.js';
import type { EngineChoice } from '../config/inputs.js';
import { runs, type Toolchain } from '../targets/toolchains.js';

/** The container engine that was found; `none` builds on the machine itself. */
export type Engine =
  | { readonly kind: 'docker' | 'podman'; readonly version: string }
  | { readonly kind: 'none'; readonly version: '' };

/** An engine, and what a user is told of how it came to be the one. */
export type FoundEngine = Engine & {
  readonly found: { readonly level: 'info' | 'warning'; readonly message: string };
};

/** Tells which engine was taken and why; that nobody asked for a build on the machine itself is a warning. */
export const tellEngine = ({ found }: FoundEngine, logger: Logger): void =>
  logger[found.level](found.message);

const onMachine = 'commands run on this machine itself, unconfined';

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
): Promise<FoundEngine> {
  const fits = runs(host.os, toolchain);
  if (choice === 'none') {
    if (fits) {
      return {
        kind: 'none',
        version: '',
        found: { level: 'info', message: `Engine: none, as asked for; ${onMachine}.` },
      };
    }
    throw new MissingRequirementError(
      `engine: none builds on this machine, which runs '${host.os.id} ${host.os.version}', not ${toolchain.name}.`,
      'Start a container engine, or choose the toolchain of this distribution.',
    );
  }
  const kinds = choice === 'auto' ? (['docker', 'podman'] as const) : [choice];
  const answers: string[] = [];
  for (const kind of kinds) {
    const answer = await askEngine(kind, process);
    if ('version' in answer) {
      const why = [choice === 'auto' ? 'it answers' : 'as asked for', ...answers].join('; ');
      const message = `Engine: ${kind} ${answer.version} (${why})`;
      return { kind, version: answer.version, found: { level: 'info', message } };
    }
    answers.push(`${kind}: ${answer.problem}`);
  }
  const nobody = `No container engine answers (${answers.join('; ')})`;
  if (choice === 'auto' && fits) {
    const message = `${nobody}, so ${onMachine}. Start Docker or Podman, or say engine: none if this is meant.`;
    return { kind: 'none', version: '', found: { level: 'warning', message } };
  }
  throw new NoEngineError(
    `${nobody}.`,
    choice === 'docker' || choice === 'auto'
      ? 'Start Docker (systemctl start docker) or install Podman, then run this again.'
      : 'Check what `podman info` says, then run this again.',
  );
}

/** What an engine says of itself: its version, or why there is none. */
export async function askEngine(
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
