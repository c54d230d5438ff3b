/**
 * Decryption by password, as the algorithm identifiers of ASN.1 name it:
 *
 *   PBE       SEQUENCE salt, iterations                                                      PKCS12's with SHA-1 and triple DES
 *   PBES2     SEQUENCE key derivation (PBKDF2: salt, iterations, [key length], [PRF]), cipher with its initialization vector
 */
import { createDecipheriv, createHash, pbkdf2Sync } from 'node:crypto';
import { UnsupportedError, UsageError } from '../../bytes/errors.js';
import { type Der, derChild, derChildren, derInteger, derObjectId, derOctets } from './der.js';

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const PKCS12_TRIPLE_DES = '1.2.840.113549.1.12.1.3';

const HMACS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};

/** Real keystores have some ten thousand; a forged number must not keep a command busy for hours. */
const MAX_ITERATIONS = 1_000_000;

/** @throws CorruptError */
export function readPbeParameters(of: Der): { readonly salt: Uint8Array; readonly iterations: number } {
  return { salt: derOctets(derChild(of, 0, 4)), iterations: derInteger(derChild(of, 1, 2)) };
}

/** @param algorithm an AlgorithmIdentifier. @throws UsageError for a wrong password, UnsupportedError, CorruptError */
export function decryptByPassword(algorithm: Der, content: Uint8Array, password: string): Uint8Array {
  const [id, parameters] = derChildren(algorithm);
  const name = id ? derObjectId(id) : '';
  if (!parameters) throw unsupported(algorithm, name);
  if (name === PKCS12_TRIPLE_DES) {
    const { salt, iterations } = readPbeParameters(parameters);
    checkIterations(algorithm, iterations);
    const key = pkcs12Key('sha1', 1, password, salt, iterations, 24);
    return decrypt('des-ede3-cbc', key, pkcs12Key('sha1', 2, password, salt, iterations, 8), content, algorithm);
  }
  if (name !== PBES2) throw unsupported(algorithm, name);
  const [derivation, encryption] = [derChild(parameters, 0, 0x30), derChild(parameters, 1, 0x30)];
  const cipherId = derObjectId(derChild(encryption, 0, 6));
  const cipher = CIPHERS[cipherId];
  if (!cipher) throw unsupported(algorithm, cipherId);
  const iv = derOctets(derChild(encryption, 1, 4));
  return decrypt(cipher.name, pbkdf2Key(derivation, password, cipher.keyBytes), iv, content, algorithm);
}

function pbkdf2Key(derivation: Der, password: string, keyBytes: number): Uint8Array {
  const id = derObjectId(derChild(derivation, 0, 6));
  if (id !== PBKDF2) throw unsupported(derivation, id);
  const parameters = derChild(derivation, 1, 0x30);
  const { salt, iterations } = readPbeParameters(parameters);
  checkIterations(derivation, iterations);
  const prf = derChildren(parameters).find(({ tag }) => tag === 0x30);
  const hmac = prf ? derObjectId(derChild(prf, 0, 6)) : '1.2.840.113549.2.7';
  const digest = HMACS[hmac];
  if (digest === undefined) throw unsupported(derivation, hmac);
  return pbkdf2Sync(password, salt, iterations, keyBytes, digest);
}

function checkIterations(at: Der, iterations: number): void {
  if (iterations < 1 || iterations > MAX_ITERATIONS) throw unsupported(at, `${iterations} iterations`);
}

function decrypt(name: string, key: Uint8Array, iv: Uint8Array, content: Uint8Array, at: Der): Uint8Array {
  try {
    const cipher = createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(content), cipher.final()]);
  } catch (error) {
    throw new UsageError('key_password is wrong', { ...at.context }, { cause: error });
  }
}

function unsupported(at: Der, seen: string): UnsupportedError {
  return new UnsupportedError('how the keystore is encrypted', {
    ...at.context,
    seen,
    expected: 'PBES2 with AES, or PKCS12 with SHA-1 and triple DES',
  });
}

const BLOCK_BYTES: Readonly<Record<string, number>> = { sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128 };

/** RFC 7292, appendix B.2. `id`: 1 a key, 2 an initialization vector, 3 a MAC key. */
export function pkcs12Key(
  digest: string,
  id: number,
  password: string,
  salt: Uint8Array,
  iterations: number,
  length: number,
): Uint8Array {
  const v = BLOCK_BYTES[digest] ?? 64;
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const fill = (bytes: Uint8Array) => {
    const filled = Buffer.alloc(Math.ceil(bytes.length / v) * v);
    for (let i = 0; i < filled.length; i++) filled[i] = bytes[i % bytes.length]!;
    return filled;
  };
  const input = Buffer.concat([fill(salt), fill(secret)]);
  const diversifier = Buffer.alloc(v, id);
  const out: Buffer[] = [];
  for (let have = 0; have < length; ) {
    let hash = createHash(digest).update(diversifier).update(input).digest();
    for (let i = 1; i < iterations; i++) hash = createHash(digest).update(hash).digest();
    out.push(hash);
    have += hash.length;
    addToBlocks(input, hash, v);
  }
  return Buffer.concat(out).subarray(0, length);
}

/** Adds one and the repeated hash to each block, as big-endian numbers. */
function addToBlocks(input: Uint8Array, hash: Uint8Array, v: number): void {
  for (let block = 0; block < input.length; block += v) {
    let carry = 1;
    for (let i = v - 1; i >= 0; i--) {
      carry += input[block + i]! + hash[i % hash.length]!;
      input[block + i] = carry & 0xff;
      carry >>>= 8;
    }
  }
}
