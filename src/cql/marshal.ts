/**
 * The marshal text of types, as serialization headers hold it and as AbstractType.toString() prints it:
 *
 *   type   = name [ '(' … ')' ]         name with or without 'org.apache.cassandra.db.marshal.'; nothing at all is BytesType
 *   (…)    = type {',' type}                                     FrozenType ReversedType ListType SetType MapType TupleType CompositeType
 *          | keyspace ',' hex(name) {',' hex(field) ':' type}    UserType
 *          | type ' , ' dimension                                VectorType
 *          | [alias '=>' type {',' alias '=>' type}]             DynamicCompositeType, an alias is one character
 *          | partitioner [':' type]                              PartitionerDefinedOrder
 *
 * Frozen and not: FrozenType(x) makes x and all below it frozen; elements of lists, sets, maps, tuples and vectors are frozen with or without
 * it; a frozen type is printed with one FrozenType around the outermost collection or UDT. Tuples and vectors are never printed in one.
 */
import { CorruptError, type ErrorFacts } from '../bytes/errors.js';
import type { CqlType, LegacyClass, NativeName } from './type.js';

const PACKAGE = 'org.apache.cassandra.db.marshal.';

/** Deeper than any real type; keeps hostile text off the stack. */
const MAX_DEPTH = 64;

const NATIVE_OF_CLASS: Readonly<Record<string, NativeName>> = {
  AsciiType: 'ascii',
  LongType: 'bigint',
  BytesType: 'blob',
  BooleanType: 'boolean',
  CounterColumnType: 'counter',
  SimpleDateType: 'date',
  DecimalType: 'decimal',
  DoubleType: 'double',
  DurationType: 'duration',
  EmptyType: 'empty',
  FloatType: 'float',
  InetAddressType: 'inet',
  Int32Type: 'int',
  ShortType: 'smallint',
  UTF8Type: 'text',
  TimeType: 'time',
  TimestampType: 'timestamp',
  TimeUUIDType: 'timeuuid',
  ByteType: 'tinyint',
  UUIDType: 'uuid',
  IntegerType: 'varint',
};

const LEGACY_CLASS: Readonly<Record<LegacyClass, NativeName>> = {
  DateType: 'timestamp',
  LexicalUUIDType: 'uuid',
  LegacyTimeUUIDType: 'timeuuid',
};

const CLASS_OF_NATIVE = Object.fromEntries(Object.entries(NATIVE_OF_CLASS).map(([cls, name]) => [name, cls])) as Record<
  NativeName,
  string
>;

/** Classes that lsmctl knows by their parameters; without any they are broken text. */
const PARAMETRIC = new Set([
  'FrozenType',
  'ReversedType',
  'ListType',
  'SetType',
  'MapType',
  'TupleType',
  'UserType',
  'VectorType',
]);

/** @throws CorruptError where `text` is no type, naming the place; `context` says where it was read */
export function parseMarshalType(text: string, context: ErrorFacts = {}): CqlType {
  return new TypeText(text, context).whole();
}

/** The native type of that name. */
export function native(name: NativeName): CqlType {
  return { kind: 'native', name };
}

/** `type` with nothing in it multi-cell. */
export function freeze(type: CqlType): CqlType {
  switch (type.kind) {
    case 'list':
    case 'set':
      return { ...type, element: freeze(type.element), multiCell: false };
    case 'map':
      return { ...type, key: freeze(type.key), value: freeze(type.value), multiCell: false };
    case 'tuple':
      return { ...type, elements: type.elements.map(freeze) };
    case 'udt':
      return {
        ...type,
        fields: type.fields.map((field) => ({ ...field, type: freeze(field.type) })),
        multiCell: false,
      };
    case 'vector':
      return { ...type, element: freeze(type.element) };
    case 'reversed':
      return { ...type, of: freeze(type.of) };
    default:
      return type;
  }
}

/** A recursive-descent reader of one type's text. */
class TypeText {
  private pos = 0;
  private depth = 0;
  private readonly text: string;
  private readonly context: ErrorFacts;

  constructor(text: string, context: ErrorFacts) {
    this.text = text;
    this.context = context;
  }

  whole(): CqlType {
    this.blanks();
    if (this.pos === this.text.length) return native('blob');
    const type = this.type();
    this.blanks();
    if (this.pos < this.text.length) throw this.bad('text after the type');
    return type;
  }

  private bad(what: string): CorruptError {
    return new CorruptError(`type text is broken: ${what} at character ${this.pos}`, {
      ...this.context,
      seen: this.text.length > 200 ? `${this.text.slice(0, 200)}…` : this.text,
    });
  }

  private blanks(): void {
    while (' \t\n'.includes(this.text[this.pos] ?? '-')) this.pos++;
  }

  private at(char: string): boolean {
    this.blanks();
    return this.text.startsWith(char, this.pos);
  }

  private expect(token: string): void {
    if (!this.at(token)) throw this.bad(`'${token}' expected`);
    this.pos += token.length;
  }

  private word(): string {
    this.blanks();
    const start = this.pos;
    while (/[0-9a-zA-Z\-+._&]/.test(this.text[this.pos] ?? ' ')) this.pos++;
    return this.text.slice(start, this.pos);
  }

  private type(): CqlType {
    const start = this.pos;
    const name = this.word();
    if (name === '') throw this.bad('a type name expected');
    if (++this.depth > MAX_DEPTH) throw this.bad(`nested deeper than ${MAX_DEPTH}`);
    const type = this.typeOfClass(name.startsWith(PACKAGE) ? name.slice(PACKAGE.length) : name, start);
    this.depth--;
    return type;
  }

  private typeOfClass(cls: string, start: number): CqlType {
    const hasParameters = this.at('(');
    if (!hasParameters) {
      if (Object.hasOwn(NATIVE_OF_CLASS, cls)) return native(NATIVE_OF_CLASS[cls]!);
      if (Object.hasOwn(LEGACY_CLASS, cls)) {
        const className = cls as LegacyClass;
        return { kind: 'native', name: LEGACY_CLASS[className], className };
      }
      if (PARAMETRIC.has(cls)) throw this.bad(`${cls} without parameters`);
      if (cls === 'CompositeType') return { kind: 'composite', components: [] };
      if (cls === 'DynamicCompositeType') return { kind: 'dynamicComposite', aliases: [] };
      return { kind: 'custom', className: this.text.slice(start, this.pos).trim() };
    }
    switch (cls) {
      case 'FrozenType':
        return freeze(this.types(cls, 1)[0]!);
      case 'ReversedType':
        return { kind: 'reversed', of: this.types(cls, 1)[0]! };
      case 'ListType':
      case 'SetType': {
        const element = freeze(this.types(cls, 1)[0]!);
        return { kind: cls === 'ListType' ? 'list' : 'set', element, multiCell: true };
      }
      case 'MapType': {
        const [key, value] = this.types(cls, 2).map(freeze) as [CqlType, CqlType];
        return { kind: 'map', key, value, multiCell: true };
      }
      case 'TupleType':
        return { kind: 'tuple', elements: this.types(cls).map(freeze) };
      case 'CompositeType':
        return { kind: 'composite', components: this.types(cls) };
      case 'VectorType':
        return this.vector();
      case 'UserType':
        return this.userType();
      case 'DynamicCompositeType':
        return this.dynamicComposite();
      case 'PartitionerDefinedOrder':
        return this.partitionerDefinedOrder();
      default:
        return this.custom(start);
    }
  }

  /** Calls `item` for each of the items in parentheses; Cassandra takes blanks for commas. */
  private list(item: () => void): void {
    this.expect('(');
    for (;;) {
      if (this.at(',')) this.pos++;
      if (this.at(')')) break;
      if (this.pos >= this.text.length) throw this.bad("')' expected");
      item();
    }
    this.pos++;
  }

  private types(cls: string, count?: number): CqlType[] {
    const types: CqlType[] = [];
    this.list(() => types.push(this.type()));
    if (count !== undefined && types.length !== count) {
      throw this.bad(`${cls} has ${types.length} parameters, not ${count},`);
    }
    return types;
  }

  private vector(): CqlType {
    this.expect('(');
    const element = freeze(this.type());
    // millions of elements in no bytes at all
    if (element.kind === 'native' && element.name === 'empty') throw this.bad('a vector of empty values');
    if (this.at(',')) this.pos++;
    const digits = this.word();
    const dimension = Number(digits);
    if (!/^[0-9]+$/.test(digits) || dimension < 1 || dimension > 0x7fffffff)
      throw this.bad('a vector dimension expected');
    this.expect(')');
    return { kind: 'vector', element, dimension };
  }

  private userType(): CqlType {
    const fields: { name: string; type: CqlType }[] = [];
    let keyspace: string | undefined;
    let name: string | undefined;
    this.list(() => {
      if (keyspace === undefined) {
        keyspace = this.word();
        if (keyspace === '') throw this.bad('a keyspace name expected');
      } else if (name === undefined) {
        name = this.hexName();
      } else {
        const field = this.hexName();
        this.expect(':');
        fields.push({ name: field, type: this.type() });
      }
    });
    if (keyspace === undefined || name === undefined) throw this.bad('UserType without a name');
    return { kind: 'udt', keyspace, name, fields, multiCell: true };
  }

  private hexName(): string {
    const hex = this.word();
    if (hex === '' || hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) throw this.bad('a name in hex expected');
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(hex, 'hex'));
    } catch {
      throw this.bad(`name 0x${hex.slice(0, 64)} is not UTF-8`);
    }
  }

  private dynamicComposite(): CqlType {
    const aliases: [string, CqlType][] = [];
    this.list(() => {
      const alias = this.word();
      if (alias.length !== 1) throw this.bad('an alias of one character expected');
      this.expect('=>');
      aliases.push([alias, this.type()]);
    });
    return { kind: 'dynamicComposite', aliases };
  }

  private partitionerDefinedOrder(): CqlType {
    this.expect('(');
    const partitioner = this.word();
    if (partitioner === '') throw this.bad('a partitioner expected');
    let of: CqlType | undefined;
    if (this.at(':')) {
      this.pos++;
      of = this.type();
    }
    this.expect(')');
    const parameters = of ? `${partitioner}:${marshalTypeName(of)}` : partitioner;
    const className = `${PACKAGE}PartitionerDefinedOrder(${parameters})`;
    return of ? { kind: 'custom', className, of } : { kind: 'custom', className };
  }

  /** A class that is not known: its parameters are only balanced. */
  private custom(start: number): CqlType {
    let open = 0;
    do {
      const char = this.text[this.pos];
      if (char === undefined) throw this.bad("')' expected");
      if (char === '(') open++;
      if (char === ')') open--;
      this.pos++;
    } while (open > 0);
    return { kind: 'custom', className: this.text.slice(start, this.pos).trim() };
  }
}

/** The text AbstractType.toString() prints: full class names. */
export function marshalTypeName(type: CqlType): string {
  return nameOf(type, false);
}

/** `inFrozen`: below a FrozenType that was printed, or below a tuple, where freezing goes without saying. */
function nameOf(type: CqlType, inFrozen: boolean): string {
  switch (type.kind) {
    case 'native':
      return PACKAGE + (type.className ?? CLASS_OF_NATIVE[type.name]);
    case 'list':
    case 'set': {
      const cls = type.kind === 'list' ? 'ListType' : 'SetType';
      return frozen(type.multiCell, inFrozen, (inner) => `${PACKAGE}${cls}(${nameOf(type.element, inner)})`);
    }
    case 'map':
      return frozen(type.multiCell, inFrozen, (inner) => {
        return `${PACKAGE}MapType(${nameOf(type.key, inner)},${nameOf(type.value, inner)})`;
      });
    case 'udt':
      return frozen(type.multiCell, inFrozen, (inner) => {
        const fields = type.fields.map((field) => `,${hexOf(field.name)}:${nameOf(field.type, inner)}`);
        return `${PACKAGE}UserType(${type.keyspace},${hexOf(type.name)}${fields.join('')})`;
      });
    case 'tuple':
      return `${PACKAGE}TupleType(${type.elements.map((element) => nameOf(element, true)).join(',')})`;
    case 'vector':
      return `${PACKAGE}VectorType(${nameOf(type.element, inFrozen)} , ${type.dimension})`;
    case 'reversed':
      return `${PACKAGE}ReversedType(${nameOf(type.of, false)})`;
    case 'composite':
      return `${PACKAGE}CompositeType(${type.components.map((component) => nameOf(component, false)).join(',')})`;
    case 'dynamicComposite': {
      const aliases = type.aliases.map(([alias, of]) => `${alias}=>${nameOf(of, false)}`);
      return `${PACKAGE}DynamicCompositeType(${aliases.join(',')})`;
    }
    case 'custom':
      return /^[^(]*\./.test(type.className) ? type.className : PACKAGE + type.className;
  }
}

function frozen(multiCell: boolean, inFrozen: boolean, print: (inner: boolean) => string): string {
  const text = print(inFrozen || !multiCell);
  return inFrozen || multiCell ? text : `${PACKAGE}FrozenType(${text})`;
}

function hexOf(name: string): string {
  return Buffer.from(name, 'utf8').toString('hex');
}
