/**
 * The secret keys of a PKCS12 keystore as Java writes it (RFC 7292):
 *
 *   PFX          SEQUENCE 3, contents: ContentInfo (data), [MacData]
 *   contents     SEQUENCE of ContentInfo: data, or encrypted data; each holds SafeContents
 *   SafeContents SEQUENCE of bag: id, [0] value, [attributes: friendly name]
 *   secret bag   SEQUENCE id, [0] octets of an EncryptedPrivateKeyInfo, in which lies a PrivateKeyInfo: version, algorithm, octets of the key
 *   MacData      SEQUENCE (algorithm, digest), salt, iterations: HMAC over contents
 */
import { createHmac } from 'node:crypto';
import { UnsupportedError, UsageError } from '../../bytes/errors.js';
import { type Der, derChild, derChildren, derInteger, derObjectId, derOctets, readDer } from './der.js';
import { decryptByPassword, pkcs12Key } from './password-based.js';

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const SECRET_BAG = '1.2.840.113549.1.12.10.1.5';
const FRIENDLY_NAME = '1.2.840.113549.1.9.20';
const MAX_ITERATIONS = 1_000_000;

const DIGESTS: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  '1.3.14.3.2.26': { name: 'sha1', bytes: 20 },
  '2.16.840.1.101.3.4.2.4': { name: 'sha224', bytes: 28 },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', bytes: 32 },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', bytes: 48 },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', bytes: 64 },
};

/** Aliases (in lower case) of the secret keys, each with what gives its bytes. @throws UsageError for a wrong password, CorruptError, UnsupportedError */
export function readPkcs12(
  bytes: Uint8Array,
  storePassword: string,
  file: string,
): Map<string, (keyPassword: string) => Uint8Array> {
  const pfx = readDer(bytes, { file, component: 'PKCS12' });
  const [version, authSafe, mac] = derChildren(pfx);
  if (!version || !authSafe || derInteger(version) !== 3) throw new UsageError('is no PKCS12 keystore', { file });
  const contents = contentOf(authSafe);
  if (mac) checkMac(mac, contents, storePassword, file);
  const keys = new Map<string, (keyPassword: string) => Uint8Array>();
  for (const part of derChildren(readDer(contents, pfx.context))) {
    for (const bag of bagsOf(part, storePassword)) addKey(bag, keys);
  }
  return keys;
}

/** What a ContentInfo of type data holds. */
function contentOf(info: Der): Uint8Array {
  const type = derObjectId(derChild(info, 0, 6));
  if (type === DATA) return derOctets(derChildren(derChild(info, 1, 0xa0))[0]!);
  throw new UnsupportedError('content of a PKCS12 keystore', { ...info.context, seen: type, expected: DATA });
}

/** Parts that can't be decrypted by what is known hold certificates: keys lie in the open part. */
function bagsOf(info: Der, password: string): Der[] {
  const type = derObjectId(derChild(info, 0, 6));
  if (type === DATA) return derChildren(readDer(contentOf(info), info.context));
  if (type !== ENCRYPTED_DATA) return [];
  const encrypted = derChild(derChild(derChild(info, 1, 0xa0), 0, 0x30), 1, 0x30);
  const [, algorithm, content] = derChildren(encrypted);
  if (!algorithm || !content) return [];
  try {
    const plain = decryptByPassword(algorithm, derOctets(content), password);
    return derChildren(readDer(plain, info.context));
  } catch (error) {
    if (error instanceof UnsupportedError) return [];
    throw error;
  }
}

function addKey(bag: Der, keys: Map<string, (keyPassword: string) => Uint8Array>): void {
  const [id, value, attributes] = derChildren(bag);
  if (!id || !value || derObjectId(id) !== SECRET_BAG) return;
  const alias = attributes && friendlyName(attributes);
  if (alias === undefined) return;
  const octets = derOctets(derChildren(derChild(derChild(value, 0, 0x30), 1, 0xa0))[0]!);
  keys.set(alias.toLowerCase(), (password) => {
    const info = readDer(octets, bag.context);
    const plain = decryptByPassword(derChild(info, 0, 0x30), derOctets(derChild(info, 1, 4)), password);
    return derOctets(derChild(readDer(plain, bag.context), 2, 4));
  });
}

function friendlyName(attributes: Der): string | undefined {
  for (const attribute of derChildren(attributes)) {
    if (derObjectId(derChild(attribute, 0, 6)) !== FRIENDLY_NAME) continue;
    const { content } = derChild(derChild(attribute, 1, 0x31), 0, 0x1e);
    return Buffer.from(content.subarray(0, content.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  return undefined;
}

function checkMac(mac: Der, contents: Uint8Array, password: string, file: string): void {
  const info = derChild(mac, 0, 0x30);
  const id = derObjectId(derChild(derChild(info, 0, 0x30), 0, 6));
  const digest = DIGESTS[id];
  if (!digest) throw new UnsupportedError('digest of a PKCS12 keystore', { file, seen: id });
  const salt = derOctets(derChild(mac, 1, 4));
  const third = derChildren(mac)[2];
  const iterations = third ? derInteger(third) : 1;
  if (iterations > MAX_ITERATIONS) throw new UnsupportedError('iterations of a keystore', { file, seen: iterations });
  const key = pkcs12Key(digest.name, 3, password, salt, iterations, digest.bytes);
  const seen = createHmac(digest.name, key).update(contents).digest();
  if (!seen.equals(derOctets(derChild(info, 1, 4)))) {
    throw new UsageError('keystore_password is wrong, or the keystore is damaged', { file });
  }
}
