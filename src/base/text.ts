/**
 * What a terminal or a log would obey instead of showing: C0 and C1 controls and DEL, the marks and overrides of
 * text direction, line and paragraph separators, and halves of surrogate pairs (bytes of a name that are no UTF-8).
 */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/**
 * Text from a file or a tarball as people may see it: `\x1b`, `\u202e` stand for what can't be seen.
 * @param keep characters that stay as they are, `'\n'` for text of several lines; none when left out
 */
export function visible(text: string, keep = ''): string {
  return text.replace(unseen, (character) => (keep.includes(character) ? character : escaped(character)));
}

/** The same for a JSON document, whose strings may hold any of them. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replace(unseen, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A text in lines shorter than `width`, but for longer words. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** The last line of a program's output that says anything, without the spaces around it; empty when none does. */
export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)?.trim() ?? '';

/** Whether a pattern, in which `*` stands for any part of a name, means a path. */
export function matches(pattern: string, path: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`^${source}$`).test(path);
}

/** A word as a shell would be given it. */
export const quotedWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A table in Markdown. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
