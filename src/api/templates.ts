import { InputError } from '../base/errors.js';
import { unknownValue } from '../base/suggest.js';
import { packCommand } from '../bundle/archive.js';
import { layoutBelow } from '../container/layout.js';
import { checkoutCommands } from '../spack/checkout.js';
import { concretizeCommand, installCommand, type SpackCommand } from '../spack/commands.js';

/** Lines of a script, each a list of words, with `${name}` where values come. */
type Line = readonly string[];

/**
 * A shell script that does by hand what a build does, made of the commands that a build runs. Placeholders are
 * `${name}`; a value is put in as one word of the shell's, whatever is in it.
 */
export class ScriptTemplate {
  /** Names of the values that it needs, sorted. */
  readonly placeholders: readonly string[];
  readonly #about: string;
  readonly #lines: readonly Line[];

  /** @param about what it does, one sentence */
  constructor(about: string, lines: readonly Line[]) {
    this.#about = about;
    this.#lines = lines;
    const names = lines
      .flat()
      .flatMap((word) => [...word.matchAll(placeholder)].map(([, name = '']) => name));
    this.placeholders = [...new Set(names)].sort();
  }

  /** The script, its placeholders as they are. */
  get text(): string {
    return this.#render((word) => word);
  }

  /**
   * The script with values in place of the placeholders.
   * @throws InputError with every value that is missing, unknown or empty
   */
  substitute(values: Readonly<Record<string, string | number>>): string {
    const unknown = Object.keys(values).filter((name) => !this.placeholders.includes(name));
    const missing = this.placeholders.filter((name) => String(values[name] ?? '') === '');
    const problems = [
      ...unknown.map((name) => ({
        input: name,
        message: unknownValue('placeholder', name, this.placeholders),
      })),
      ...missing.map((name) => ({ input: name, message: 'it has no value.' })),
    ];
    if (problems.length > 0) throw new InputError(problems);
    return this.#render((word) => word.replace(placeholder, (_, name: string) => String(values[name])));
  }

  #render(fill: (word: string) => string): string {
    const shown = this.#lines.map((words) => words.map((word) => quoted(word, fill(word))).join(' '));
    return `#!/bin/sh\n# ${this.#about}\nset -eu\n${shown.join('\n')}\n`;
  }
}

const placeholder = /\$\{([a-z][A-Za-z]*)\}/g;

/** A word as the shell reads it; one that is still a placeholder stays to be seen. */
function quoted(raw: string, word: string): string {
  if (word === raw && /\$\{/.test(raw)) return raw;
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // `NAME=value` is an assignment only where the name is not quoted.
  const [, name = '', value = word] = /^([A-Z_]+=)?([\s\S]*)$/.exec(word) ?? [];
  return `${name}'${value.replaceAll("'", "'\\''")}'`;
}

const side = { layout: layoutBelow('${root}'), python: '${python}' };

const withVariables = ({ command, env }: SpackCommand): Line => [
  ...['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
  ...command,
];

const spackUrl = 'https://github.com/spack/spack.git';
const bring = (url: string, commit: string, folder: string): Line[] => [
  ['mkdir', '-p', folder],
  ...checkoutCommands({ url, commit }, `${folder}.git`, folder, 'FETCH_HEAD'),
];

/**
 * Brings Spack at a tag, branch or commit below a folder, and a Python with the solver that Spack needs.
 * Values: `spackVersion`, `pythonVersion` (`3.11`), `root` (absolute path of a folder).
 */
export const SPACK_INSTALL_SCRIPT = new ScriptTemplate(
  'Brings Spack, and a Python with the solver that it needs.',
  [
    ...bring(spackUrl, '${spackVersion}', side.layout.spack),
    ['python${pythonVersion}', '-m', 'venv', '${root}/python'],
    ['${root}/python/bin/python3', '-m', 'pip', 'install', '--quiet', 'clingo'],
  ],
);

/**
 * Solves and installs the environment in `environment` below a folder.
 * Values: `root`, `python` (path of the interpreter), `jobs` (compile jobs at once).
 */
export const SLURM_BUILD_SCRIPT = new ScriptTemplate("Installs Slurm by the environment's spack.yaml.", [
  withVariables(concretizeCommand(side)),
  withVariables(installCommand(side, '${jobs}')),
]);

/**
 * Makes the tarball of an installed tree. It is not audited, and brings no libraries: `SlurmBuilder` does that.
 * Values: `prefix` (the installed tree), `target` (name of the tarball and of the folder in it), `outputDir`.
 */
export const PACKAGE_CREATION_SCRIPT = new ScriptTemplate('Makes the tarball of an installed tree.', [
  packCommand({
    archive: '${outputDir}/${target}-software.tar.gz',
    folder: '${prefix}',
    top: '${target}',
    jobs: 2,
  }),
]);
