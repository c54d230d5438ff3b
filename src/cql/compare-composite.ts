/**
 * Order of the values of CompositeType and DynamicCompositeType, the clusterings and keys of tables that Thrift or COMPACT STORAGE made, and
 * the partition keys of several columns:
 *
 *   composite  [u16 0xFFFF: static] then per component  u16 size | bytes | i8 end-of-component
 *   dynamic    per component  u16 header | [class name] | u16 size | bytes | i8 end-of-component
 *              header with its top bit: an alias, its low byte; else the length of the class name that follows
 */
import { CorruptError } from '../bytes/errors.js';
import type { ValueComparator } from './compare.js';
import { marshalTypeName, parseMarshalType } from './marshal.js';
import type { CqlType } from './type.js';

type DynamicComposite = Extract<CqlType, { kind: 'dynamicComposite' }>;

/** Walks the components of a composite. */
export class CompositeComponents {
  readonly isStatic: boolean;
  /** The current component's value. */
  start = 0;
  end = 0;
  endOfComponent = 0;
  private pos: number;
  private readonly bytes: Uint8Array;
  private readonly limit: number;

  constructor(bytes: Uint8Array, start: number, end: number, isDynamic: boolean) {
    this.bytes = bytes;
    this.limit = end;
    this.isStatic = !isDynamic && end - start >= 2 && bytes[start] === 0xff && bytes[start + 1] === 0xff;
    this.pos = this.isStatic ? start + 2 : start;
  }

  get done(): boolean {
    return this.pos >= this.limit;
  }

  private take(n: number): number {
    if (this.limit - this.pos < n) {
      throw new CorruptError('composite value ends within a component', {
        seen: `${this.limit - this.pos} bytes left`,
        expected: `${n} bytes`,
      });
    }
    const at = this.pos;
    this.pos += n;
    return at;
  }

  private u16(): number {
    const at = this.take(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  /** Type of the next component of a dynamic composite. @throws CorruptError for an alias that is not declared, or a broken name */
  type(of: DynamicComposite): CqlType {
    const header = this.u16();
    if (header & 0x8000) {
      const alias = String.fromCharCode(header & 0xff);
      const found = of.aliases.find(([name]) => name === alias);
      if (!found) throw new CorruptError('dynamic composite has an unknown alias', { seen: alias });
      return found[1];
    }
    const at = this.take(header);
    return parseMarshalType(Buffer.from(this.bytes.subarray(at, at + header)).toString('latin1'));
  }

  /** Moves `start`, `end` and `endOfComponent` to the next component. */
  next(): void {
    const size = this.u16();
    this.start = this.take(size);
    this.end = this.start + size;
    this.endOfComponent = (this.bytes[this.take(1)]! << 24) >> 24;
  }
}

export function compareComposites(of: readonly ValueComparator[]): ValueComparator {
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    const left = new CompositeComponents(a, aStart, aEnd, false);
    const right = new CompositeComponents(b, bStart, bEnd, false);
    if (left.isStatic !== right.isStatic) return left.isStatic ? -1 : 1;
    for (let i = 0; !left.done && !right.done; i++) {
      left.next();
      right.next();
      const compare = of[i];
      if (!compare) throw new CorruptError('composite value has too many components', { expected: of.length });
      const c =
        compare(a, left.start, left.end, b, right.start, right.end) || left.endOfComponent - right.endOfComponent;
      if (c !== 0) return c;
    }
    return (left.done ? 0 : 1) - (right.done ? 0 : 1);
  };
}

/** Components of different classes compare by the names of these. */
export function compareDynamicComposites(
  type: DynamicComposite,
  comparator: (type: CqlType) => ValueComparator,
): ValueComparator {
  const known = new Map<CqlType, ValueComparator>(type.aliases.map(([, of]) => [of, comparator(of)]));
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    const left = new CompositeComponents(a, aStart, aEnd, true);
    const right = new CompositeComponents(b, bStart, bEnd, true);
    while (!left.done && !right.done) {
      const typeA = left.type(type);
      const typeB = right.type(type);
      left.next();
      right.next();
      const compare = known.get(typeA) ?? comparator(typeA);
      const c =
        compareClasses(typeA, typeB) ||
        compare(a, left.start, left.end, b, right.start, right.end) ||
        left.endOfComponent - right.endOfComponent;
      if (c !== 0) return c;
    }
    return (left.done ? 0 : 1) - (right.done ? 0 : 1);
  };
}

function compareClasses(a: CqlType, b: CqlType): number {
  if (a === b) return 0;
  const [x, y] = a.kind === 'reversed' && b.kind === 'reversed' ? [a.of, b.of] : [a, b];
  return compareText(simpleClassName(x), simpleClassName(y)) || compareText(fullClassName(x), fullClassName(y));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Class name with its package, without parameters. */
export function fullClassName(type: CqlType): string {
  return marshalTypeName(type)
    .replace(/^[\w.]*FrozenType\(/, '')
    .replace(/\(.*$/s, '');
}

export function simpleClassName(type: CqlType): string {
  return fullClassName(type).replace(/^.*\./, '');
}
