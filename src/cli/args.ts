import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Env } from '../base/environment.js';
import {
  type EngineChoice,
  engineChoices,
  type InputName,
  inputNames,
  inputs,
  type RawInputs,
} from '../config/schema.js';
import { type SecretFiles, secretInputs } from './secrets.js';

/** What a call of the command line asks for. */
export type Call =
  | {
      readonly command: 'build';
      readonly layers: RawInputs[];
      /** Files that secret inputs are read from, by the input. */
      readonly secretFiles: SecretFiles;
      readonly flags: Flags;
    }
  | { readonly command: 'audit'; readonly tarball: string; readonly flags: Flags }
  | {
      readonly command: 'smoke';
      readonly tarball: string;
      readonly prefix: string | undefined;
      readonly junit: string | undefined;
      readonly flags: Flags;
    }
  | {
      readonly command: 'verify';
      readonly folder: string;
      readonly publicKey: string | undefined;
      readonly flags: Flags;
    }
  | { readonly command: 'done'; readonly text: string; readonly exitCode: 0 | 2 };

export interface Flags {
  readonly installMissing: boolean;
  readonly verbose: boolean;
  readonly cacheDir: string;
  /** Engine of a check; a build takes it as an input. */
  readonly engine: EngineChoice;
  /** File for the build's report as JSON. */
  readonly report: string | undefined;
}

/** The process's own facts, read here and nowhere else. */
export const processFacts = () => ({
  argv: process.argv.slice(2),
  env: { ...process.env } as Env,
  cwd: process.cwd(),
});

// Services that only a workflow has.
const notOffered: readonly InputName[] = ['upload', 'retention-days', 'github-token'];

/**
 * Reads the arguments. Unknown options of a build are passed on as inputs, so that they are reported with
 * all the other wrong ones.
 */
export function parseArguments(argv: readonly string[], env: Env, version: string): Call {
  const written: string[] = [];
  let call: Call | undefined;
  const write = (text: string) => written.push(text);
  const program = new Command('slurm-factory')
    .description('Builds Slurm with Spack in a container and hands out relocatable tarballs.')
    .version(version)
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride();
  addBuild(program, env, (made) => {
    call = made;
  });
  addChecks(program, env, (made) => {
    call = made;
  });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    const code = (error as { exitCode?: number }).exitCode === 0 ? 0 : 2;
    return { command: 'done', text: written.join(''), exitCode: code };
  }
  return call ?? { command: 'done', text: program.helpInformation(), exitCode: 2 };
}

function addBuild(program: Command, env: Env, found: (call: Call) => void): void {
  const build = common(program.command('build'))
    .description('Build a Slurm release, or take it from the cache.')
    .argument('[release]', inputs['slurm-version'].description)
    .allowUnknownOption()
    .allowExcessArguments();
  for (const name of inputNames) {
    if (notOffered.includes(name)) continue;
    const { default: preset, description } = inputs[name];
    if (secretInputs.includes(name)) {
      build.option(`--${name}-file <file>`, `${fileOf(description)} (/dev/fd/N, or - for standard input)`);
      continue;
    }
    build.option(`--${name} <value>`, preset === '' ? description : `${description} (default: ${preset})`);
  }
  build
    .option('--install-missing', "install the distribution's packages that are missing (engine: none only)")
    .option('--report <file>', "write the build's report (files, timings, packages) as JSON")
    .action(() => found(toBuild(build, env)));
}

function addChecks(program: Command, env: Env, found: (call: Call) => void): void {
  const engine = (command: Command) =>
    command.addOption(
      new Option('--engine <value>', 'container engine').choices([...engineChoices]).default('auto'),
    );
  const audit = engine(common(program.command('audit')))
    .description('Audit a finished software tarball.')
    .argument('<tarball>', '<target>-software.tar.gz')
    .action((tarball: string) => found({ command: 'audit', tarball, flags: flagsOf(audit, env) }));
  const smoke = engine(common(program.command('smoke')))
    .description('Run a one-node cluster from a finished software tarball, in a fresh container.')
    .argument('<tarball>', '<target>-software.tar.gz, with the files of its result beside it')
    .option('--prefix <folder>', 'where to install; a random folder without it')
    .option('--junit <file>', 'write the checks as JUnit XML')
    .action((tarball: string) => {
      const { prefix, junit } = smoke.opts<{ prefix?: string; junit?: string }>();
      found({ command: 'smoke', tarball, prefix, junit, flags: flagsOf(smoke, env) });
    });
  const verify = common(program.command('verify'))
    .description('Check sums, manifests and signatures of the files in a folder, offline.')
    .argument('<folder>', 'folder with the files of one target or more')
    .option('--public-key <file>', 'public key that the signatures must be of')
    .action((folder: string) => {
      const { publicKey } = verify.opts<{ publicKey?: string }>();
      found({ command: 'verify', folder: resolve(folder), publicKey, flags: flagsOf(verify, env) });
    });
}

const common = (command: Command): Command =>
  command
    .option('--cache-dir <folder>', 'folder for the caches (default: ~/.cache/slurm-factory)')
    .option('--verbose', 'show every line of the programs that are run');

function toBuild(build: Command, env: Env): Call {
  const values = build.opts<Record<string, string | boolean | undefined>>();
  const text = (option: string) => {
    const value = values[camelCase(option)];
    return typeof value === 'string' ? [value] : [];
  };
  const given = inputNames.flatMap((name) => text(name).map((value) => [name, value] as const));
  const secretFiles = secretInputs.flatMap((name) =>
    text(`${name}-file`).map((file) => [name, file] as const),
  );
  const [release, ...strays] = strayWords(build.args);
  return {
    command: 'build',
    layers: [
      Object.fromEntries([
        ...given,
        ...(release === undefined ? [] : [['slurm-version', release]]),
        ...strays.map((word) => [inputNames.includes(word as InputName) ? `--${word}` : word, '']),
      ]),
    ],
    secretFiles: Object.fromEntries(secretFiles),
    flags: flagsOf(build, env),
  };
}

/** "Passphrase of the key; give it from a secret." → "file with that" */
const fileOf = (description: string): string =>
  `file with the ${description.charAt(0).toLowerCase()}${description.slice(1).replace(/[;.].*$/s, '')}`;

function flagsOf(command: Command, env: Env): Flags {
  const values = command.opts<Record<string, string | boolean | undefined>>();
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined);
  const cacheDir = text('cacheDir');
  return {
    installMissing: values['installMissing'] === true,
    verbose: values['verbose'] === true,
    report: text('report'),
    engine: engineChoices.find((choice) => choice === values['engine']) ?? 'auto',
    cacheDir:
      cacheDir === undefined
        ? join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'slurm-factory')
        : resolve(cacheDir),
  };
}

/**
 * The words that are no known option: the release first, undefined where there is none, then what is
 * unknown. The word after an unknown option is its value.
 */
function strayWords(words: readonly string[]): [string | undefined, ...string[]] {
  const plain: string[] = [];
  const unknown: string[] = [];
  let value = false;
  for (const word of words) {
    const option = word.startsWith('--');
    if (option) unknown.push(word.slice(2).replace(/=.*$/s, ''));
    else if (!value) plain.push(word);
    value = option && !word.includes('=');
  }
  return [plain[0], ...unknown, ...plain.slice(1)];
}

const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
