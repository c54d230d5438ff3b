/**
 * CQL text as tokens, enough for schema statements:
 *
 *   name      a-z first, then a-z 0-9 _, any case; folded to lower case      quoted    "Name", "" is a quote
 *   string    'text', '' is a quote, or $$text$$                             uuid      8-4-4-4-12 hex digits
 *   number    -12  0.5  1e-3  NaN is a name                                  blob      0x and hex digits
 *   symbol    one character                                                  end       once, at the end
 *
 * Blanks and comments (`-- …`, `// …`, block) are skipped, and the line of warning about its version that cqlsh puts before a DESCRIBE. Errors name line and column, both from 1.
 */
import { type ErrorFacts, type LsmctlError, UsageError } from '../bytes/errors.js';

export type TokenKind = 'name' | 'quoted' | 'string' | 'number' | 'uuid' | 'blob' | 'symbol' | 'end';

export type Token = {
  readonly kind: TokenKind;
  /** Unquoted and unescaped; names in lower case. */
  readonly text: string;
  /** Where it begins and ends in the source. */
  readonly start: number;
  readonly end: number;
};

/** How an error is made: of the text an operator gave (the default), or of text that a file held. */
export type ErrorMaker = (message: string, facts: ErrorFacts) => LsmctlError;

const BLANK = /(?:\s|WARNING: cqlsh [^\n]*|--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['uuid', /[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/y],
  ['blob', /0[xX][0-9a-fA-F]*/y],
  ['name', /[a-zA-Z][a-zA-Z0-9_]*/y],
  ['number', /-?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?/y],
  ['quoted', /"(?:[^"]|"")*"/y],
  ['string', /'(?:[^']|'')*'|\$\$[\s\S]*?\$\$/y],
];

/** Longest piece of text that an error shows. */
const SHOWN = 60;

/** Reads a text token by token. A class for its place in the text. */
export class TokenReader {
  readonly source: string;
  private readonly facts: ErrorFacts;
  private readonly makeError: ErrorMaker;
  private current: Token;
  private previousEnd = 0;

  /** `facts` (such as the file) go into every error. */
  constructor(source: string, facts: ErrorFacts = {}, makeError?: ErrorMaker) {
    this.source = source;
    this.facts = facts;
    this.makeError = makeError ?? ((message, all) => new UsageError(message, all));
    this.current = this.scan(0);
  }

  /** The next token, not yet taken. */
  get token(): Token {
    return this.current;
  }

  get atEnd(): boolean {
    return this.current.kind === 'end';
  }

  /** End in the source of the token taken last. */
  get lastEnd(): number {
    return this.previousEnd;
  }

  /** Takes the next token. */
  take(): Token {
    const token = this.current;
    this.previousEnd = token.end;
    if (token.kind !== 'end') this.current = this.scan(token.end);
    return token;
  }

  /** The token after the next one. */
  peekSecond(): Token {
    return this.current.kind === 'end' ? this.current : this.scan(this.current.end);
  }

  /** Goes back to a place where a token begins. */
  rewind(start: number): void {
    this.current = this.scan(start);
  }

  isSymbol(symbol: string): boolean {
    return this.current.kind === 'symbol' && this.current.text === symbol;
  }

  isWord(word: string): boolean {
    return this.current.kind === 'name' && this.current.text === word;
  }

  /** Takes the next token where it is that symbol. */
  trySymbol(symbol: string): boolean {
    const is = this.isSymbol(symbol);
    if (is) this.take();
    return is;
  }

  /** Takes the next tokens where they are these keywords, one after the other, else none. */
  tryWords(...words: string[]): boolean {
    const { start } = this.current;
    const before = this.previousEnd;
    for (const word of words) {
      if (!this.isWord(word)) {
        this.rewind(start);
        this.previousEnd = before;
        return false;
      }
      this.take();
    }
    return true;
  }

  expectSymbol(symbol: string): void {
    if (!this.trySymbol(symbol)) throw this.unexpected(`'${symbol}'`);
  }

  expectWords(...words: string[]): void {
    for (const word of words) {
      if (!this.isWord(word)) throw this.unexpected(word.toUpperCase());
      this.take();
    }
  }

  /** A name, quoted or not. */
  expectName(what: string): string {
    if (this.current.kind !== 'name' && this.current.kind !== 'quoted') throw this.unexpected(what);
    return this.take().text;
  }

  expectKind(kind: TokenKind, what: string): string {
    if (this.current.kind !== kind) throw this.unexpected(what);
    return this.take().text;
  }

  expectEnd(): void {
    if (!this.atEnd) throw this.unexpected('the end');
  }

  /** The next token is not what should be there. */
  unexpected(expected: string, hint?: string): LsmctlError {
    const { start, end, kind } = this.current;
    const seen = kind === 'end' ? 'the end' : shorten(this.source.slice(start, end));
    return this.error(`${expected} expected`, start, { seen, expected, ...(hint && { hint }) });
  }

  /** An error at a place of the source. */
  error(message: string, start = this.current.start, facts: ErrorFacts = {}): LsmctlError {
    return this.makeError(`line ${lineAt(this.source, start)}, column ${columnAt(this.source, start)}: ${message}`, {
      ...this.facts,
      ...facts,
    });
  }

  private scan(from: number): Token {
    BLANK.lastIndex = from;
    BLANK.exec(this.source);
    const start = BLANK.lastIndex;
    if (start >= this.source.length) return { kind: 'end', text: '', start, end: start };
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = start;
      const match = pattern.exec(this.source);
      if (match) return { kind, text: tokenText(kind, match[0]), start, end: start + match[0].length };
    }
    const char = this.source[start]!;
    if (char === '"' || char === "'" || this.source.startsWith('$$', start)) throw this.unclosed(start, char);
    if (this.source.startsWith('/*', start)) throw this.unclosed(start, '*/');
    return { kind: 'symbol', text: char, start, end: start + 1 };
  }

  private unclosed(start: number, close: string): LsmctlError {
    const what = close === '*/' ? 'a comment' : close === '"' ? 'a quoted name' : 'a string';
    return this.error(`${what} has no end`, start, {
      seen: shorten(this.source.slice(start)),
      expected: close === '$' ? '$$' : close,
    });
  }
}

function tokenText(kind: TokenKind, source: string): string {
  switch (kind) {
    case 'name':
    case 'uuid':
      return source.toLowerCase();
    case 'quoted':
      return source.slice(1, -1).replaceAll('""', '"');
    case 'string':
      return source.startsWith('$') ? source.slice(2, -2) : source.slice(1, -1).replaceAll("''", "'");
    default:
      return source;
  }
}

function lineAt(source: string, position: number): number {
  let line = 1;
  for (let i = source.indexOf('\n'); i >= 0 && i < position; i = source.indexOf('\n', i + 1)) line++;
  return line;
}

function columnAt(source: string, position: number): number {
  return position - (position === 0 ? -1 : source.lastIndexOf('\n', position - 1));
}

function shorten(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
