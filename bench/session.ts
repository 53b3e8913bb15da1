// A container of the same kind as the product's, for what is measured against it.
import { mkdir } from 'node:fs/promises';
import { type Layout, layoutBelow, places } from '../src/container/layout.js';
import { type Session, startSession } from '../src/container/session.js';
import { nodeProcess } from '../src/local/process.js';
import type { Prepared } from './bench.js';

/**
 * Runs `body` in a container over folders below `folder`, and removes the container; an aborted signal ends it.
 * @param body gets the session and the folders as this machine sees them
 */
export async function withSession<T>(
  { plan, host, signal }: Prepared,
  image: string,
  folder: string,
  body: (session: Session, layout: Layout) => Promise<T>,
): Promise<T> {
  const { spack, recipes, overlay, sources } = plan.hostLayout;
  const layout = { ...layoutBelow(folder), spack, recipes, overlay, sources };
  for (const place of places) await mkdir(layout[place], { recursive: true });
  const session = await startSession(
    { program: 'docker', image, kind: 'build', name: `slurm-factory-bench-${process.pid}`, host },
    layout,
    { process: nodeProcess, env: process.env, signal },
  );
  try {
    return await body(session, layout);
  } finally {
    await session.stop();
  }
}

/** What a command in a session gave. */
export interface Ran {
  readonly seconds: number;
  readonly stdout: string;
  readonly lines: readonly string[];
}

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export type Run = (what: string, command: [string, ...string[]], settings?: RunSettings) => Promise<Ran>;

/** Runs commands in a session; a failure tells the end of what the command wrote. */
export function commandsOf(session: Session, say: (text: string) => void): Run {
  return async (what, command, settings = {}) => {
    const began = performance.now();
    const lines: string[] = [];
    const onLine = (line: string) => void lines.push(line);
    const result = await session.exec(command, { ...settings, onLine });
    if (result.exitCode !== 0) throw new Error(`${what} failed:\n${lines.slice(-40).join('\n')}`);
    const seconds = (performance.now() - began) / 1000;
    say(`   ${what}: ${seconds.toFixed(1)} s`);
    return { seconds, stdout: result.stdout, lines };
  };
}
