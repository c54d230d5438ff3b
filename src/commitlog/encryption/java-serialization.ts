/**
 * Objects of Java's serialization, as far as keystores hold them (Object Serialization Stream Protocol, version 5):
 *
 *   stream     u16 0xaced | u16 5 | content
 *   content    0x70 null | 0x71 reference: i32 handle | 0x73 object: class, values | 0x74 string: utf | 0x75 array: class, i32 n, n values
 *              0x77 block: u8 n, n bytes | 0x7e enum: class, string
 *   class      0x72: utf name, i64 uid, u8 flags, u16 n, n fields, annotation … 0x78, class above; or null, or a reference
 *   field      u8 type, utf name, [string with the type's name: of objects and arrays]
 *   values     class by class from the topmost: the fields, then, where the class writes its own (flag 0x01), an annotation … 0x78
 *
 * Handles count classes, objects, strings, arrays and enums in the order in which they begin.
 */
import type { Cursor } from '../../bytes/cursor.js';

export type JavaObject = { readonly className: string; readonly fields: ReadonlyMap<string, JavaValue> };
export type JavaValue = null | boolean | number | bigint | string | Uint8Array | readonly JavaValue[] | JavaObject;

const BASE_HANDLE = 0x7e0000;
const MAX_DEPTH = 32;

type JavaField = { readonly type: string; readonly name: string };
type JavaClass = { name: string; flags: number; fields: JavaField[]; above: JavaClass | undefined };

/** The object that begins at the cursor, with its stream's header; the cursor goes behind it. @throws CorruptError */
export function readJavaObject(c: Cursor): JavaObject {
  const at = c.offset;
  if (c.u16() !== 0xaced || c.u16() !== 5) throw c.corrupt('no serialized Java object', { offset: at });
  const value = new JavaReader(c).content(0);
  if (isJavaObject(value)) return value;
  throw c.corrupt('serialized Java value is no object', { offset: at });
}

export function isJavaObject(value: JavaValue | undefined): value is JavaObject {
  return typeof value === 'object' && value !== null && 'className' in value;
}

class JavaReader {
  private readonly c: Cursor;
  private readonly handles: (JavaValue | JavaClass)[] = [];

  constructor(c: Cursor) {
    this.c = c;
  }

  content(depth: number): JavaValue {
    const { c } = this;
    if (depth > MAX_DEPTH) throw c.corrupt('serialized Java object is nested too deeply');
    const tag = c.u8();
    switch (tag) {
      case 0x70:
        return null;
      case 0x71:
        return this.reference() as JavaValue;
      case 0x73:
        return this.object(depth);
      case 0x74:
        return this.remember(c.javaUtf());
      case 0x75:
        return this.array(depth);
      case 0x77:
        return c.bytes(c.u8());
      case 0x7e:
        return this.enumConstant(depth);
      default:
        throw c.corrupt('unknown content of a serialized Java object', { offset: c.offset - 1, seen: tag });
    }
  }

  private remember<T extends JavaValue | JavaClass>(value: T): T {
    this.handles.push(value);
    return value;
  }

  private reference(): JavaValue | JavaClass {
    const { c } = this;
    const index = c.i32() - BASE_HANDLE;
    const value = this.handles[index];
    if (value === undefined) throw c.corrupt('reference to a Java object that is not there', { offset: c.offset - 4 });
    return value;
  }

  private classAt(depth: number): JavaClass | undefined {
    const { c } = this;
    const tag = c.u8();
    if (tag === 0x70) return undefined;
    if (tag === 0x71) {
      const value = this.reference();
      if (typeof value === 'object' && value !== null && 'flags' in value) return value;
      throw c.corrupt('reference to a Java class that is none');
    }
    if (tag !== 0x72 || depth > MAX_DEPTH) throw c.corrupt('no Java class', { offset: c.offset - 1, seen: tag });
    const name = c.javaUtf();
    c.i64();
    const found: JavaClass = this.remember({ name, flags: c.u8(), fields: [], above: undefined });
    for (let left = c.u16(); left > 0; left--) {
      const type = String.fromCharCode(c.u8());
      found.fields.push({ type, name: c.javaUtf() });
      if (type === 'L' || type === '[') this.content(depth + 1);
    }
    this.annotation(depth);
    found.above = this.classAt(depth + 1);
    return found;
  }

  private annotation(depth: number): void {
    const { c } = this;
    for (;;) {
      c.need(1);
      if (c.buf[c.pos] === 0x78) break;
      this.content(depth + 1);
    }
    c.u8();
  }

  private object(depth: number): JavaObject {
    const { c } = this;
    const found = this.classAt(depth + 1);
    if (!found) throw c.corrupt('Java object without a class');
    const fields = new Map<string, JavaValue>();
    const object = this.remember({ className: found.name, fields });
    const classes: JavaClass[] = [];
    for (let k: JavaClass | undefined = found; k && classes.length <= MAX_DEPTH; k = k.above) classes.unshift(k);
    for (const { flags, fields: own } of classes) {
      if ((flags & 0x02) === 0) throw c.corrupt('Java object writes itself in a form that is not known');
      for (const { type, name } of own) fields.set(name, this.value(type, depth));
      if (flags & 0x01) this.annotation(depth);
    }
    return object;
  }

  private array(depth: number): JavaValue {
    const { c } = this;
    const found = this.classAt(depth + 1);
    const type = found?.name[1] ?? '';
    const handle = this.handles.length;
    this.remember(null);
    const length = c.i32();
    if (type === 'B') {
      const bytes = c.bytes(length);
      this.handles[handle] = bytes;
      return bytes;
    }
    const values: JavaValue[] = [];
    for (let left = c.count(length, 1, 'elements of a Java array'); left > 0; left--) {
      values.push(this.value(type, depth));
    }
    this.handles[handle] = values;
    return values;
  }

  private enumConstant(depth: number): JavaValue {
    this.classAt(depth + 1);
    const handle = this.handles.length;
    this.remember(null);
    const name = this.content(depth + 1);
    this.handles[handle] = name;
    return name;
  }

  private value(type: string, depth: number): JavaValue {
    const { c } = this;
    switch (type) {
      case 'B':
        return c.i8();
      case 'C':
        return c.u16();
      case 'D':
        return c.f64();
      case 'F':
        return c.f32();
      case 'I':
        return c.i32();
      case 'J':
        return c.i64AsBigInt();
      case 'S':
        return c.i16();
      case 'Z':
        return c.bool();
      case 'L':
      case '[':
        return this.content(depth + 1);
      default:
        throw c.corrupt('unknown type of a Java field', { seen: type });
    }
  }
}
