/**
 * A JCEKS keystore (com.sun.crypto.provider.JceKeyStore):
 *
 *   u32 0xcececece | u32 version, 1 or 2 | u32 count | entry … | SHA-1 of password (UTF-16, big-endian), "Mighty Aphrodite" and all before
 *
 *   entry   u32 tag | utf alias | i64 millis | 1: private key: i32 length, bytes, i32 n, n × certificate
 *                                              2: certificate: [version 2: utf type] i32 length, bytes
 *                                              3: secret key: a serialized javax.crypto.SealedObject
 *
 * The sealed object holds a serialized SecretKeySpec or KeyRep, encrypted by PBEWithMD5AndTripleDES: triple DES in CBC mode, whose key and
 * initialization vector are 24 and 8 bytes of two MD5 chains over the password, one for each half of the salt.
 */
import { createDecipheriv, createHash } from 'node:crypto';
import { Cursor } from '../../bytes/cursor.js';
import { UnsupportedError, UsageError } from '../../bytes/errors.js';
import { readDer } from './der.js';
import { isJavaObject, type JavaObject, readJavaObject } from './java-serialization.js';
import { readPbeParameters } from './password-based.js';

const MAGIC = 0xcececece;
const DIGEST_BYTES = 20;
const MAX_ITERATIONS = 1_000_000;

export function isJceks(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32BE() === MAGIC;
}

/** Aliases (in lower case) of the secret keys, each with what gives its bytes. @throws UsageError for a wrong password, CorruptError */
export function readJceks(
  bytes: Uint8Array,
  storePassword: string,
  file: string,
): Map<string, (keyPassword: string) => Uint8Array> {
  checkDigest(bytes, storePassword, file);
  const c = new Cursor(bytes, { file, component: 'JCEKS' }, 4, bytes.length - DIGEST_BYTES);
  const version = c.u32();
  if (version !== 1 && version !== 2)
    throw new UnsupportedError('version of a JCEKS keystore', { file, seen: version });
  const keys = new Map<string, (keyPassword: string) => Uint8Array>();
  for (let left = c.u32(); left > 0; left--) {
    const tag = c.u32();
    const alias = c.javaUtf();
    c.i64();
    if (tag === 3) {
      const sealed = readJavaObject(c);
      keys.set(alias.toLowerCase(), (keyPassword) => unseal(sealed, keyPassword, file));
    } else if (tag === 2) passCertificate(c, version);
    else if (tag === 1) {
      c.skip(c.i32());
      for (let n = c.i32(); n > 0; n--) passCertificate(c, version);
    } else throw c.corrupt('unknown entry of a keystore', { seen: tag });
  }
  return keys;
}

function passCertificate(c: Cursor, version: number): void {
  if (version === 2) c.javaUtf();
  c.skip(c.i32());
}

function checkDigest(bytes: Uint8Array, password: string, file: string): void {
  const end = bytes.length - DIGEST_BYTES;
  const utf16 = Buffer.from(password, 'utf16le').swap16();
  const digest = createHash('sha1').update(utf16).update('Mighty Aphrodite');
  const isRight = end >= 12 && digest.update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end));
  if (!isRight) throw new UsageError('keystore_password is wrong, or the keystore is damaged', { file });
}

function unseal(sealed: JavaObject, password: string, file: string): Uint8Array {
  const content = sealed.fields.get('encryptedContent');
  const params = sealed.fields.get('encodedParams');
  const algorithm = sealed.fields.get('sealAlg');
  if (algorithm !== 'PBEWithMD5AndTripleDES' || !(content instanceof Uint8Array) || !(params instanceof Uint8Array)) {
    throw new UnsupportedError('how a key is sealed in the keystore', {
      file,
      seen: `${algorithm}`,
      expected: 'PBEWithMD5AndTripleDES',
    });
  }
  const { salt, iterations } = readPbeParameters(readDer(params, { file, component: 'JCEKS' }));
  if (salt.length !== 8 || iterations > MAX_ITERATIONS) {
    throw new UnsupportedError('parameters of a sealed key', { file, seen: `${salt.length}, ${iterations}` });
  }
  const derived = deriveKey(password, salt, iterations);
  let plain: Uint8Array;
  try {
    const cipher = createDecipheriv('des-ede3-cbc', derived.subarray(0, 24), derived.subarray(24));
    plain = Buffer.concat([cipher.update(content), cipher.final()]);
  } catch (error) {
    throw new UsageError('key_password is wrong', { file }, { cause: error });
  }
  return keyBytes(readJavaObject(new Cursor(plain, { file, component: 'JCEKS' })), file);
}

function deriveKey(password: string, salt: Uint8Array, iterations: number): Uint8Array {
  const secret = Buffer.from(password, 'latin1').map((byte) => byte & 0x7f);
  const halves = salt.slice();
  if (Buffer.compare(salt.subarray(0, 4), salt.subarray(4)) === 0) spreadHalves(halves);
  const chains = [halves.subarray(0, 4), halves.subarray(4)].map((half) => {
    let hash: Uint8Array = half;
    for (let i = 0; i < iterations; i++) hash = createHash('md5').update(hash).update(secret).digest();
    return hash;
  });
  return Buffer.concat(chains);
}

/** Java means to turn the first of two equal halves around; what it does is this. */
function spreadHalves(salt: Uint8Array): void {
  for (let i = 0; i < 2; i++) {
    const byte = salt[i]!;
    salt[i] = salt[3 - i]!;
    salt[2] = byte;
  }
}

/** Of a SecretKeySpec (`key`) or a KeyRep (`encoded`). */
function keyBytes(object: JavaObject, file: string): Uint8Array {
  const bytes = object.fields.get('key') ?? object.fields.get('encoded');
  if (bytes instanceof Uint8Array && isJavaObject(object)) return bytes;
  throw new UnsupportedError('class of a secret key', { file, seen: object.className });
}
