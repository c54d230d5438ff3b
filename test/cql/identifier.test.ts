import { describe, expect, it } from 'vitest';
import { isReserved, maybeQuote, qualifiedName, quoteText } from '../../src/cql/identifier.js';

describe('maybeQuote', () => {
  it.each([
    ['plain', 'plain'],
    ['with_digits_9', 'with_digits_9'],
    ['camelCase', '"camelCase"'],
    ['9lives', '"9lives"'],
    ['_leading', '"_leading"'],
    ['two words', '"two words"'],
    ['say "hi"', '"say ""hi"""'],
    ['', '""'],
    ['naïve', '"naïve"'],
    ['line\nbreak', '"line\nbreak"'],
    ['line\n', '"line\n"'],
    ['select', '"select"'],
    ['order', '"order"'],
    ['nan', '"nan"'],
    ['key', 'key'],
    ['timestamp', 'timestamp'],
    ['filtering', 'filtering'],
  ])('%j becomes %s', (name, expected) => {
    expect(maybeQuote(name)).toBe(expected);
  });

  it('knows keywords in any case', () => {
    expect(isReserved('SeLeCt')).toBe(true);
    expect(isReserved('selected')).toBe(false);
  });

  it('quotes both halves of a qualified name, and text', () => {
    expect(qualifiedName('Ks', 'table')).toBe('"Ks"."table"');
    expect(quoteText("it's")).toBe("'it''s'");
  });
});
