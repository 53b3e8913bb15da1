import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError, MissingRequirementError } from '../../base/errors.js';
import { lastLine } from '../../base/text.js';
import { settle as settleInput } from '../../config/layers.js';
import { type Command, type Context, type Given, textOf } from '../command.js';
import { common } from '../options.js';
import { settleOrRefuse } from '../settings.js';

const formats = ['dot', 'mermaid', 'svg'] as const;

/** bytes; an SBOM and a lock have some hundred thousand */
const mostBytes = 64 << 20;

export const graph: Command = {
  name: 'graph',
  description: 'Print what depends on what in a build: from a result, an SBOM or a spack.lock.',
  examples: [
    'graph slurm-24.11.6-glibc2.34-amd64 --format mermaid',
    'graph slurm-24.11.6-glibc2.34-amd64 --format svg >slurm.svg',
    'graph out/slurm-24.11.6-glibc2.34-amd64-sbom.spdx.json',
  ],
  argument: {
    name: 'target',
    description: 'target that was built on this machine (see list), or a file: an SBOM or a spack.lock',
    required: true,
    completes: 'file',
  },
  options: [
    {
      name: 'format',
      value: 'value',
      words: formats,
      strict: true,
      description: "language: dot (Graphviz), mermaid, or svg, which Graphviz's dot makes (default: dot)",
    },
    ...common,
  ],
  async run(given, context) {
    const { readGraph, toDot, toMermaid } = await import('../../bundle/graph.js');
    const { argument = '' } = given;
    const file = await findFile(given, context);
    const read = (await stat(file)).size > mostBytes ? undefined : readGraph(await readFile(file, 'utf8'));
    if (read === undefined) {
      throw new InputError([
        { input: 'target', message: `'${argument}' is no SBOM of a build and no spack.lock.` },
      ]);
    }
    const format = formats.find((one) => one === textOf(given, 'format')) ?? 'dot';
    if (format === 'mermaid') return { lines: toMermaid(read).split('\n'), data: read };
    const dot = toDot(read);
    const lines = format === 'svg' ? await draw(dot, context) : dot;
    return { lines: lines.trimEnd().split('\n'), data: read };
  },
};

/** The file that a call names, or the SBOM of the target that it names. */
async function findFile(given: Given, context: Context): Promise<string> {
  const { argument = '' } = given;
  const { cwd } = context.invocation;
  const path = resolve(cwd, argument);
  if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
  const { layers, spackCache } = await settleOrRefuse(given, context);
  const { listBuilt } = await import('../../local/built.js');
  const outputDir = resolve(cwd, settleInput(layers, 'output-dir').text);
  const built = await listBuilt({ outputDirs: [outputDir], spackCache });
  const sbom = built.find(({ identifier }) => identifier === argument)?.files.sbom;
  if (sbom !== undefined) return sbom;
  const names = [...new Set(built.map(({ identifier }) => identifier))];
  const there = names.length === 0 ? 'Nothing was built here yet.' : `There are: ${names.join(', ')}.`;
  const message = `'${argument}' is no file and no target in ${outputDir} or the cache. ${there}`;
  throw new InputError([{ input: 'target', message }]);
}

async function draw(dot: string, { machine, invocation }: Context): Promise<string> {
  const process = (await machine()).process(invocation.env);
  const drawn = await process.run(['dot', '-Tsvg'], { input: dot });
  if (drawn.exitCode === 0) return drawn.stdout;
  const why = drawn.exitCode === 127 ? "Graphviz's dot is not here" : `dot failed: ${lastLine(drawn.stderr)}`;
  throw new MissingRequirementError(`${why}.`, 'Install graphviz, or choose --format mermaid.');
}
