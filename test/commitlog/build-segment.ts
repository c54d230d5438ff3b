/** Makes commit log segments in every form, of mutations of one table: `CREATE TABLE ks.t (k blob PRIMARY KEY, v blob)`. */
import { createCipheriv } from 'node:crypto';
import { crc32, crc32OfInt } from '../../src/bytes/crc32.js';
import { ByteWriter } from '../../src/bytes/writer.js';
import { loadCompressor } from '../../src/codec/load.js';
import { LogSchema } from '../../src/commitlog/log-schema.js';
import { syncMarkerChecksum } from '../../src/commitlog/segment-descriptor.js';
import { parseSchema } from '../../src/cql/ddl-parser.js';

export const TABLE_ID = '11223344-5566-1788-99aa-bbccddeeff00';
export const KEY = Uint8Array.from({ length: 16 }, (_, i) => i * 3 + 1);
const IV = Uint8Array.from({ length: 16 }, (_, i) => 200 - i);

export function oneTable(): LogSchema {
  const schema = new LogSchema();
  schema.add(parseSchema(`CREATE TABLE ks.t (k blob PRIMARY KEY, v blob) WITH ID = ${TABLE_ID}`, {}), 'schema');
  return schema;
}

/** INSERT INTO ks.t of one row at 2015-09-22 and `micros`. @param clustering of a column of fixed width, where the table has one */
export function mutation(
  key: Uint8Array,
  value: Uint8Array,
  micros: number,
  tableId = TABLE_ID,
  clustering?: Uint8Array,
): Uint8Array {
  const out = new ByteWriter(64);
  out.uvint(1);
  out.bytes(Buffer.from(tableId.replaceAll('-', ''), 'hex'));
  out.uvint(key.length);
  out.bytes(key);
  out.u8(0x10);
  out.uvint(micros);
  out.uvint(0);
  out.uvint(0);
  out.uvint(1);
  out.uvint(1);
  out.ascii('v');
  out.uvint(1);
  out.u8(0x24);
  if (clustering) {
    out.uvint(0);
    out.bytes(clustering);
  }
  out.uvint(0);
  out.u8(0x08);
  out.uvint(value.length);
  out.bytes(value);
  out.u8(0x01);
  return out.toBytes();
}

export type Form =
  | 'plain'
  | 'encrypted'
  | 'LZ4Compressor'
  | 'SnappyCompressor'
  | 'DeflateCompressor'
  | 'ZstdCompressor';
export const FORMS: readonly Form[] = [
  'plain',
  'LZ4Compressor',
  'SnappyCompressor',
  'DeflateCompressor',
  'ZstdCompressor',
  'encrypted',
];

export type BuiltEntry = {
  readonly mutation: Uint8Array;
  readonly section: number;
  /** Commit log positions. */
  readonly start: number;
  readonly end: number;
};

export type BuiltSegment = {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly form: Form;
  readonly entries: readonly BuiltEntry[];
  /** File positions of the sync markers, and where the last section ends. */
  readonly markers: readonly number[];
  readonly end: number;
  readonly headerBytes: number;
};

export type BuildOptions = {
  readonly form: Form;
  readonly version?: number;
  readonly id?: number;
  readonly sections: readonly (readonly Uint8Array[])[];
  /** Of plain segments: how long the file is. */
  readonly fileBytes?: number;
};

export async function buildSegment({
  form,
  version = 8,
  id = 1700000000123,
  sections,
  fileBytes = 1 << 16,
}: BuildOptions): Promise<BuiltSegment> {
  const store = await storeOf(form);
  const out = new ByteWriter(1 << 16);
  descriptor(out, form, version, id);
  const headerBytes = out.pos;
  const entries: BuiltEntry[] = [];
  const markers: number[] = [];
  let position = headerBytes;
  for (const [section, mutations] of sections.entries()) {
    const marker = out.pos;
    markers.push(marker);
    out.i32(0);
    out.i32(syncMarkerChecksum(id, marker) | 0);
    position += 8;
    const plain = new ByteWriter(1 << 12);
    for (const bytes of mutations) {
      const start = position + plain.pos;
      entry(plain, bytes);
      entries.push({ mutation: bytes, section, start, end: position + plain.pos });
    }
    position += plain.pos;
    out.bytes(store(plain.toBytes()));
    new DataView(out.buf.buffer, out.buf.byteOffset).setInt32(marker, out.pos);
  }
  const end = out.pos;
  if (form === 'plain') out.bytes(new Uint8Array(Math.max(0, fileBytes - out.pos)));
  return { bytes: out.toBytes(), name: `CommitLog-${version}-${id}.log`, form, entries, markers, end, headerBytes };
}

function entry(out: ByteWriter, bytes: Uint8Array): void {
  const checksum = crc32OfInt(bytes.length);
  out.i32(bytes.length);
  out.i32(checksum | 0);
  out.bytes(bytes);
  out.i32(crc32(bytes, checksum) | 0);
}

function descriptor(out: ByteWriter, form: Form, version: number, id: number): void {
  const parameters =
    form === 'plain'
      ? {}
      : form === 'encrypted'
        ? { encCipher: 'AES/CBC/PKCS5Padding', encIV: Buffer.from(IV).toString('hex'), encKeyAlias: 'log:1' }
        : { compressionClass: form, compressionParameters: null };
  const json = Buffer.from(JSON.stringify(parameters));
  const high = Math.floor(id / 2 ** 32);
  out.i32(version);
  out.i32(high);
  out.i32(id | 0);
  out.u16(json.length);
  out.bytes(json);
  const checksum = [version, id | 0, high, json.length].reduce((value, int) => crc32OfInt(int, value), 0);
  out.i32(crc32(json, checksum) | 0);
}

const BLOCK_BYTES = 1024;

async function storeOf(form: Form): Promise<(plain: Uint8Array) => Uint8Array> {
  if (form === 'plain') return (plain) => plain;
  const codec = await loadCompressor(form === 'encrypted' ? 'LZ4Compressor' : form);
  const compress = (plain: Uint8Array) => {
    const stored = new Uint8Array(codec.maxCompressedLength(plain.length));
    return stored.slice(0, codec.compress(plain, 0, plain.length, stored, 0));
  };
  return (plain) => {
    const out = new ByteWriter(plain.length + 64);
    out.i32(plain.length);
    if (form !== 'encrypted') {
      out.bytes(compress(plain));
      return out.toBytes();
    }
    for (let at = 0; at < plain.length; at += BLOCK_BYTES) {
      const block = plain.subarray(at, at + BLOCK_BYTES);
      const compressed = new ByteWriter(block.length + 64);
      compressed.i32(block.length);
      compressed.bytes(compress(block));
      const cipher = createCipheriv('aes-128-cbc', KEY, IV);
      const text = Buffer.concat([cipher.update(compressed.toBytes()), cipher.final()]);
      out.i32(text.length);
      out.i32(compressed.pos);
      out.bytes(text);
    }
    return out.toBytes();
  };
}
