import { join } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { Env } from '../base/environment.js';
import type { Problem } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { inputNames, inputOf, isInputName, isSecret } from './inputs.js';
import type { Kind } from './kinds.js';
import type { Layer } from './layers.js';
import { isSettingName, settingNames, settings, variables } from './settings.js';

/** What a user keeps outside of a call: variables and files of the command line and the library. */

/** Name of a file of settings, in the working folder and below the user's configuration. */
export const configFileName = 'slurm-factory.yml';

/** The variables as a layer. */
export function variableLayer(env: Env): Layer {
  const set = [...variables].filter(([variable]) => env[variable]);
  return {
    origin: 'variable',
    values: Object.fromEntries(set.map(([variable, name]) => [name, env[variable]])),
    places: Object.fromEntries(set.map(([variable, name]) => [name, variable])),
  };
}

/** A sentence for each variable that looks like ours and is none. Tests have theirs below SLURM_FACTORY_TEST_. */
export function unknownVariables(env: Env): string[] {
  const strange = Object.keys(env).filter(
    (name) => /^SLURM_FACTORY_(?!TEST_)/.test(name) && !variables.has(name),
  );
  // What all of them have in common brings nothing nearer.
  const own = (name: string) => name.replace(/^SLURM_FACTORY_/, '');
  return strange.map((name) => {
    const near = nearest(own(name), [...variables.keys()].map(own));
    const meant = near === undefined ? '' : ` Did you mean 'SLURM_FACTORY_${near}'?`;
    return `${name} is no variable of slurm-factory.${meant}`;
  });
}

/**
 * A file of settings as a layer: a mapping of names of inputs and settings to values. All that is wrong with it
 * is among the problems.
 * @param home folder that `~/` at the beginning of a path stands for
 */
export function fileLayer(file: string, text: string, home: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number | undefined) => `${file}:${lines.linePos(offset ?? 0).line}`;
  // What follows the first is mostly its consequence.
  const problems: Problem[] = document.errors.slice(0, 1).map(({ message, pos: [offset] }) => ({
    input: configFileName,
    message: `${message.replace(/(?: at line \d+, column \d+)?:?\n[\s\S]*$/, '')}.`,
    place: at(offset),
  }));
  const values: Record<string, string> = {};
  const places: Record<string, string> = {};
  const { contents } = document;
  if (problems.length > 0 || contents === null) return { origin: 'config-file', values, problems };
  if (!isMap(contents)) {
    const message = 'it must be a mapping of names to values, such as `gpu: cuda`.';
    return { origin: 'config-file', values, problems: [{ input: configFileName, message, place: at(0) }] };
  }
  for (const { key, value } of contents.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const place = at(isScalar(key) ? key.range?.[0] : undefined);
    const read = readValue(name, value as Node | null, home);
    if ('problem' in read) problems.push({ input: name, message: read.problem, place });
    else [values[name], places[name]] = [read.value, place];
  }
  return { origin: 'config-file', values, places, problems };
}

function readValue(name: string, node: Node | null, home: string): { value: string } | { problem: string } {
  if (!isInputName(name) && !isSettingName(name)) return { problem: unknownName(name) };
  if (isInputName(name) && isSecret(name)) {
    return { problem: `a secret does not stand in a file of settings. Use --${name}-file <file>.` };
  }
  const { completes, mapping } = isInputName(name)
    ? inputOf(name).kind
    : (settings[name].kind as Kind<string>);
  const expand = (text: string) =>
    completes !== undefined && text.startsWith('~/') ? join(home, text.slice(2)) : text;
  const list = isInputName(name) && inputOf(name).kind.list === true;
  const itemOf = (item: unknown) =>
    mapping === 'item' && isMap(item) ? pairsOf(item)?.join(',').replaceAll(/\s+/g, '') : textOf(item);
  const texts =
    mapping === 'whole' && isMap(node)
      ? (pairsOf(node) ?? [undefined])
      : list && isSeq(node)
        ? node.items.map(itemOf)
        : [itemOf(node)];
  if (!texts.every((text) => text !== undefined)) {
    return { problem: list ? 'it must be a text or a list of texts.' : 'it must be a single value.' };
  }
  return { value: texts.map(expand).join('\n') };
}

/** A mapping as words, `arm64=ubuntu-24.04-arm`, `cuda=self-hosted+gpu`; undefined where a value is none. */
function pairsOf({ items }: YAMLMap): string[] | undefined {
  const words = items.map(({ key, value }) => {
    const texts = isSeq(value) ? value.items.map(textOf) : [textOf(value)];
    const name = textOf(key);
    return name === undefined || texts.includes(undefined) ? undefined : `${name}=${texts.join('+')}`;
  });
  return words.every((word) => word !== undefined) ? words : undefined;
}

// What stands there: 25.10 is a number to YAML, and 25.1.
function textOf(node: unknown): string | undefined {
  if (node === null) return '';
  if (!isScalar(node)) return undefined;
  if (node.value === null) return '';
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

function unknownName(name: string): string {
  const names = [...inputNames.filter((input) => !isSecret(input)), ...settingNames];
  const near = nearest(name, names);
  return `no such setting. ${near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean '${near}'?`}`;
}
