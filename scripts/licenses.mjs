// The licences of what is bundled, from esbuild's list of files and the packages' own.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions
of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
DEALINGS IN THE SOFTWARE.`;

const isc = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING
ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL,
DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR
PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION
WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`;

/** Texts of the licences that a package may name without bringing them. */
const standardTexts = { MIT: mit, 'MIT/X11': mit, ISC: isc };

/** Packages that name no licence at all, by name and version, and what is known of theirs. */
const unnamed = {
  'buffers@0.1.1':
    'The package states no licence. Its author published the package binary, which it was made for and which\n' +
    'brings it here, under the MIT licence.',
};

/**
 * The folders of the packages that a bundle has files of, sorted.
 * @param {string[]} inputs paths of the files that were bundled, as esbuild's metafile names them
 */
export function bundledFolders(inputs) {
  const folders = inputs.map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

/**
 * Name and licence of the package in a folder.
 * @returns {{name: string, text: string}} `name@version`, and the texts of its own files, else its licence's
 *   standard text below its author's name
 * @throws when it has none and names none whose text is known
 */
export function licenceOf(folder) {
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const name = `${about.name}@${about.version}`;
  const tidy = (text) =>
    text
      .replace(/\r\n?/g, '\n')
      .replace(/[ \t]+$/gm, '')
      .replace(/^\n+|\n+$/g, '');
  const texts = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .filter((file) => /^(licen[cs]e|copying|notice|copyright)/i.test(file) && !/\.[cm]?[jt]s$/.test(file))
    .sort()
    .map((file) => tidy(readFileSync(join(folder, file), 'utf8')))
    .filter((text) => text !== '');
  if (texts.length > 0) return { name, text: texts.join('\n\n') };
  if (unnamed[name] !== undefined) return { name, text: unnamed[name] };
  const standard = standardTexts[about.license];
  if (standard === undefined)
    throw new Error(`${name} has no licence file and names ${about.license ?? 'no licence'}: see ${folder}`);
  const author = typeof about.author === 'object' ? about.author.name : about.author;
  return { name, text: `Copyright (c) ${author ?? `the authors of ${about.name}`}\n\n${standard}` };
}

/** The file: each text once, below the packages that have it; the same for the same packages, wherever they lie. */
export function formatLicences(licences) {
  const byText = new Map();
  for (const { name, text } of licences) byText.set(text, (byText.get(text) ?? new Set()).add(name));
  const rule = '='.repeat(80);
  const parts = [...byText]
    .map(([text, names]) => ({ text, names: [...names].sort() }))
    .sort((a, b) => (a.names[0] < b.names[0] ? -1 : 1))
    .map(({ text, names }) => `${rule}\n${names.join('\n')}\n${'-'.repeat(80)}\n${text}\n`);
  return `What is bundled in the files below dist/, and the licences that it came with.\n\n${parts.join('\n')}`;
}
