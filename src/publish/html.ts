import { visible } from '../base/text.js';

/** A piece of HTML: text in it was escaped already. */
export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | readonly (Html | undefined)[];

const isList = (part: Part): part is readonly (Html | undefined)[] => Array.isArray(part);

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (isList(part)) return part.map(textOf).join('');
  if (typeof part === 'object') return (part as Html).html;
  return escapeHtml(String(part));
}

/** Text as HTML shows it, within a quoted attribute too. */
export const escapeHtml = (text: string): string =>
  visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** A template whose values are escaped, unless they are HTML; undefined is nothing. */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: texts.reduce((whole, text, index) => whole + textOf(parts[index - 1]) + text),
});
