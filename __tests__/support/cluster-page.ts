import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './prepare.js';

/**
 * docs/cluster.md as its tests read it: `sh` blocks whose first line says where they run and when, each perhaps
 * followed at once by a `text` block with what it prints; other `text` blocks have lines of logs.
 */

export const machines = ['controller', 'node1', 'node2'] as const;
export type Machine = (typeof machines)[number];

/** What a block's first line may say of where it runs. */
const places: Readonly<Record<string, readonly Machine[]>> = {
  'all machines': machines,
  'the controller': ['controller'],
  'each node': ['node1', 'node2'],
  node2: ['node2'],
};

/** What it may say of when: pairs that exclude each other, or a way of a distribution. */
export const conditions = [
  'with apt',
  'with munge',
  'with auth/slurm',
  'with systemd',
  'without systemd',
  'without cgroups',
] as const;
export type Condition = (typeof conditions)[number];

export interface Block {
  readonly title: string;
  readonly machines: readonly Machine[];
  readonly conditions: readonly Condition[];
  readonly script: string;
  /** What it prints, with `…` for anything; undefined where the page does not say. */
  readonly prints: string | undefined;
}

export interface Page {
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Lines of logs. */
  readonly logs: readonly string[];
}

/**
 * Reads the page.
 * @throws Error for a block that nobody would run
 */
export function readPage(text = readFileSync(join(projectRoot, 'docs', 'cluster.md'), 'utf8')): Page {
  const blocks: Block[] = [];
  const logs: string[] = [];
  const fences = [...text.matchAll(/^```(.*)\n([\s\S]*?)^```\n/gm)];
  for (const [index, fence] of fences.entries()) {
    const [whole, language, body = ''] = fence;
    const next = fences[index + 1];
    if (language === 'sh') {
      const isFollowed = next?.[1] === 'text' && next.index === fence.index + whole.length;
      blocks.push({ ...readTitle(body), script: body, prints: isFollowed ? next[2] : undefined });
    } else if (language !== 'text') {
      throw new Error(`docs/cluster.md has a block in ${language || 'no language'}: ${body}`);
    } else {
      const before = fences[index - 1];
      const isPrinted = before?.[1] === 'sh' && before.index + before[0].length === fence.index;
      if (!isPrinted) logs.push(...body.trimEnd().split('\n'));
    }
  }
  return { text, blocks, logs };
}

function readTitle(script: string): Pick<Block, 'title' | 'machines' | 'conditions'> {
  const title = script.slice(0, script.indexOf('\n'));
  const [place = '', ...words] = title.replace(/^# on /, '').split(', ');
  const found = places[place];
  const known = words.filter((word): word is Condition => (conditions as readonly string[]).includes(word));
  if (!title.startsWith('# on ') || found === undefined || known.length < words.length)
    throw new Error(`docs/cluster.md has a block that begins with '${title}'`);
  return { title, machines: found, conditions: known };
}

/** Whether what was printed is what the page says: line by line, however many blanks, and anything for `…`. */
export function isPrinted(said: string, prints: string): boolean {
  const pattern = prints
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(word).join('\\s+'))
    .join('\\s*\\n\\s*');
  return new RegExp(`^\\s*${pattern}\\s*$`).test(said);
}

const word = (text: string): string =>
  text
    .split('…')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*');

/** The parts of a log's line that stand in a program as they are: what is between its variables and its colons. */
export const fixedParts = (line: string): string[] =>
  line
    .replace(/^(?:error|fatal): /, '')
    .split(/…|: /)
    .map((part) => part.replace(/:$/, '').trim())
    .filter((part) => part.length > 3);
