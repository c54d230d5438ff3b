/**
 * What a commit log segment says of itself, in its name and in its first bytes (Cassandra's CommitLogDescriptor):
 *
 *   CommitLog-<version>-<id>.log        the segment; beside its hard link in cdc_raw: CommitLog-<version>-<id>_cdc.idx
 *
 *   i32 version | i64 id | u16 length | parameters, JSON of that length | u32 CRC-32
 *
 * The checksum covers version, low and high half of the id, the length as i32, and the parameters. Parameters: compressionClass and
 * compressionParameters; encCipher, encKeyAlias and encIV (hex). Ids are milliseconds since the epoch at the node's start, counted up from there.
 *
 *   version 6: 3.0 to 3.11 (and 3.x)   7: 4.0, 4.1, 5.0 in compatibility mode   8: 5.0
 */
import { crc32, crc32OfInt } from '../bytes/crc32.js';
import { Cursor } from '../bytes/cursor.js';
import { CorruptError, UnsupportedError } from '../bytes/errors.js';
import { readStart, type Storage } from '../bytes/source.js';

export type SegmentName = { readonly version: number; readonly id: number; readonly isCdcIndex: boolean };

export type SegmentCompression = {
  /** Class name, with or without its package. */
  readonly className: string;
  readonly parameters: Readonly<Record<string, string>>;
};

export type SegmentEncryption = {
  /** As `AES/CBC/PKCS5Padding`. */
  readonly cipher: string;
  readonly keyAlias: string;
  readonly iv: Uint8Array;
};

export type SegmentDescriptor = {
  readonly version: number;
  readonly id: number;
  readonly compression?: SegmentCompression;
  readonly encryption?: SegmentEncryption;
  /** Where the first sync marker is. */
  readonly headerBytes: number;
};

/** Most that a descriptor can take: 14 bytes, 65,535 of parameters, 4 of the checksum. */
export const MAX_HEADER_BYTES = 14 + 0xffff + 4;
const FIRST_VERSION = 6;
const LAST_VERSION = 8;

/** `undefined` for names that are not those of segments or of their CDC indexes. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = /^CommitLog-(\d{1,4})-(\d{1,16})(\.log|_cdc\.idx)$/.exec(name);
  if (!match) return undefined;
  const id = Number(match[2]);
  return Number.isSafeInteger(id) ? { version: Number(match[1]), id, isCdcIndex: match[3] !== '.log' } : undefined;
}

/** @throws UsageError, CorruptError, UnsupportedError */
export function readDescriptor(storage: Storage, file: string): SegmentDescriptor {
  return decodeDescriptor(readStart(storage, file, MAX_HEADER_BYTES), file);
}

/** @throws CorruptError where the checksum differs or the file ends before, UnsupportedError for versions and parameters that are not known */
export function decodeDescriptor(bytes: Uint8Array, file: string): SegmentDescriptor {
  const c = new Cursor(bytes, { file, component: 'descriptor' });
  const version = c.i32();
  if (version < FIRST_VERSION && version > 0) throw unsupportedVersion(version, file);
  c.i64();
  const { hi, lo } = c;
  const length = c.u16();
  const parameters = c.view(length);
  const seen = c.u32();
  const expected = crc32(parameters, checksumOf(version, lo, hi, length));
  if (seen !== expected)
    throw c.corrupt('checksum of the descriptor differs', { offset: c.offset - 4, seen, expected });
  if (version < FIRST_VERSION || version > LAST_VERSION) throw unsupportedVersion(version, file);
  if (hi < 0 || hi >= 0x200000) throw c.corrupt('segment id is out of range', { offset: 4, seen: hi });
  return {
    version,
    id: hi * 4294967296 + (lo >>> 0),
    ...parseParameters(parameters, file),
    headerBytes: c.pos,
  };
}

/**
 * For a segment whose descriptor is damaged: what its name and whatever is left of the parameters say, or `undefined` where the first sync marker
 * can't be found by its checksum. Segments without readable parameters are taken for plain ones.
 */
export function guessDescriptor(bytes: Uint8Array, name: SegmentName, file: string): SegmentDescriptor | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 18; at + 8 <= bytes.length; at++) {
    if (view.getUint32(at + 4) !== syncMarkerChecksum(name.id, at)) continue;
    return {
      version: name.version,
      id: name.id,
      ...readableParameters(bytes.subarray(14, at - 4), file),
      headerBytes: at,
    };
  }
  return undefined;
}

function readableParameters(bytes: Uint8Array, file: string): Pick<SegmentDescriptor, 'compression' | 'encryption'> {
  try {
    return parseParameters(bytes, file);
  } catch {
    const iv = /([0-9a-f]{32})/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
    const alias = /KeyAlias.{1,3}:"([^"]+)"/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
    if (iv === undefined || alias === undefined) return {};
    return { encryption: { cipher: 'AES/CBC/PKCS5Padding', keyAlias: alias, iv: Buffer.from(iv, 'hex') } };
  }
}

function unsupportedVersion(version: number, file: string): UnsupportedError {
  return new UnsupportedError(`commit log version ${version} is not supported`, {
    file,
    seen: version,
    expected: '6 (3.0, 3.11), 7 (4.0, 4.1) or 8 (5.0)',
    hint: version > LAST_VERSION ? 'written by Cassandra 5.1 or later' : 'written by Cassandra 2.2 or older',
  });
}

function checksumOf(...ints: readonly number[]): number {
  return ints.reduce((value, int) => crc32OfInt(int, value), 0);
}

/** CRC-32 of the sync marker at `position`: over the halves of the id, low one first, and the position. */
export function syncMarkerChecksum(id: number, position: number): number {
  return checksumOf(id | 0, Math.floor(id / 4294967296), position);
}

function parseParameters(bytes: Uint8Array, file: string): Pick<SegmentDescriptor, 'compression' | 'encryption'> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new CorruptError('parameters of the descriptor are no JSON', { file, component: 'descriptor', offset: 14 });
  }
  const map = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  const { compressionClass, compressionParameters, encCipher, encKeyAlias, encIV } = map;
  if (typeof encCipher === 'string' && typeof encKeyAlias === 'string') {
    return { encryption: { cipher: encCipher, keyAlias: encKeyAlias, iv: ivOf(encIV, file) } };
  }
  if (typeof compressionClass !== 'string') return {};
  const parameters = (compressionParameters ?? {}) as Record<string, unknown>;
  return {
    compression: {
      className: compressionClass,
      parameters: Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, String(value)])),
    },
  };
}

function ivOf(text: unknown, file: string): Uint8Array {
  if (typeof text === 'string' && /^([0-9a-f]{2}){1,64}$/i.test(text)) return Buffer.from(text, 'hex');
  throw new CorruptError('descriptor of an encrypted segment has no initialization vector', {
    file,
    component: 'descriptor',
    seen: String(text).slice(0, 64),
  });
}
