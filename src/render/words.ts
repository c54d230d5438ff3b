/** Words and lines of what people read: numbers with their nouns, text in lines of a terminal's width. */
import { countText } from './bytes.js';

/** Columns of the narrowest terminal that texts are made for. */
const WIDTH = 80;

/** `1 row`, `1,234 rows`. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** The words of `text` in lines of at most `width` columns, each `indent` columns in; a longer word has a line of its own. */
export function wrapWords(text: string, indent: number, width = WIDTH): string[] {
  return wrapParts(text.split(' '), ' ', indent, width);
}

/** As {@link wrapWords}, lines after the first two columns further in. */
export function wrapHanging(text: string, indent: number): string {
  return wrapWords(text, indent + 2)
    .join('\n')
    .slice(2);
}

/** Parts in lines of at most `width` columns, joined by `separator`, which also ends a line that goes on. */
export function wrapParts(parts: readonly string[], separator: string, indent: number, width = WIDTH): string[] {
  const lines: string[] = [];
  const ending = separator.trimEnd();
  const room = width - indent - ending.length;
  let line = '';
  for (const part of parts) {
    if (line !== '' && line.length + separator.length + part.length > room) {
      lines.push(line + ending);
      line = part;
    } else line = line === '' ? part : line + separator + part;
  }
  return [...lines, line].map((one) => ' '.repeat(indent) + one);
}
