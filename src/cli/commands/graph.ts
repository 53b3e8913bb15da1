import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { formatBytes } from '../../base/bytes.js';
import { InputError, MissingRequirementError } from '../../base/errors.js';
import { lastLine } from '../../base/text.js';
import type { PackageShare, Shares } from '../../bundle/shares.js';
import { settle as settleInput } from '../../config/layers.js';
import type { Colours } from '../../local/style.js';
import { type Answer, type Command, type Context, type Given, textOf } from '../command.js';
import { common } from '../options.js';
import { settleOrRefuse } from '../settings.js';
import { table } from '../table.js';

const formats = ['dot', 'mermaid', 'svg', 'table'] as const;

/** bytes; an SBOM and a lock have some hundred thousand */
const mostBytes = 64 << 20;

export const graph: Command = {
  name: 'graph',
  description:
    'Print what depends on what in a build, or who is in it by licence and size: from a result, an SBOM or a spack.lock.',
  examples: [
    'graph slurm-24.11.6-glibc2.34-amd64 --format mermaid',
    'graph slurm-24.11.6-glibc2.34-amd64 --format svg >slurm.svg',
    'graph slurm-24.11.6-glibc2.34-amd64 --format table',
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
      description:
        "dot (Graphviz), mermaid, or svg, which Graphviz's dot makes; or table: each package in the tarball with its licence and size (default: dot)",
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
    if (format === 'table') return tell(file, argument, context.colours.out);
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

/** Who is in the tarball that an SBOM is of. */
async function tell(file: string, argument: string, colours: Colours): Promise<Answer> {
  const { fileName, targetOfFile } = await import('../../bundle/catalogue.js');
  const { formatTarget } = await import('../../targets/identifier.js');
  const { openSide } = await import('../../bundle/side.js');
  const { sharesOf } = await import('../../bundle/shares.js');
  const refuse = (message: string) => new InputError([{ input: 'target', message }]);
  const target = targetOfFile(basename(file), 'sbom');
  if (target === undefined) {
    throw refuse(
      `'${argument}' has neither licences nor sizes: name a target or its ${fileName('<target>', 'sbom')}.`,
    );
  }
  const identifier = formatTarget(target);
  const side = await openSide(join(dirname(file), fileName(identifier, 'manifest')), 'target');
  if (side.manifest === undefined || side.tree === undefined) {
    const beside = [fileName(identifier, 'manifest'), fileName(identifier, 'software')].join(' and ');
    throw refuse(`sizes need ${beside} beside ${basename(file)}.`);
  }
  const shares = sharesOf(await readFile(file, 'utf8'), side.manifest, side.tree);
  if (shares === undefined) throw refuse(`'${argument}' is no SBOM of a build.`);
  return { lines: sharesLines(shares, colours), data: { target: identifier, ...shares } };
}

function sharesLines({ packages, licences, commonTexts, bytes }: Shares, colours: Colours): string[] {
  const licenceOf = ({ name, licence }: PackageShare) => licence ?? `see share/licenses/${name}`;
  const rows = packages.map((one) => [
    ...[one.name, one.version, formatBytes(one.bytes), String(one.files), one.from, licenceOf(one)],
  ]);
  const totals = licences.map(({ licence, packages: own, bytes: size }) => [
    ...[licence ?? 'not stated in the SBOM', formatBytes(size), own.join(' ')],
  ]);
  return [
    ...table(rows, colours, ['Package', 'Version', 'Size', 'Files', 'From', 'Licence']),
    '',
    ...table(totals, colours, ['Licence', 'Size', 'Packages']),
    '',
    `${formatBytes(bytes)} unpacked, ${formatBytes(commonTexts)} of it licence texts that several refer to.`,
  ];
}

async function draw(dot: string, { machine, invocation }: Context): Promise<string> {
  const process = (await machine()).process(invocation.env);
  const drawn = await process.run(['dot', '-Tsvg'], { input: dot });
  if (drawn.exitCode === 0) return drawn.stdout;
  const why = drawn.exitCode === 127 ? "Graphviz's dot is not here" : `dot failed: ${lastLine(drawn.stderr)}`;
  throw new MissingRequirementError(`${why}.`, 'Install graphviz, or choose --format mermaid.');
}
