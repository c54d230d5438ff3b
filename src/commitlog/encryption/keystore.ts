/** The ciphers of encrypted segments: keys from a keystore, by the alias that a segment names. */
import { createDecipheriv } from 'node:crypto';
import { UnsupportedError, UsageError } from '../../bytes/errors.js';
import { readWhole, type Storage } from '../../bytes/source.js';
import { CodecError } from '../../codec/codec.js';
import type { BlockCipher, CipherOf } from '../section-decoder.js';
import type { KeystoreOptions } from './encryption-options.js';
import { isJceks, readJceks } from './jceks.js';
import { readPkcs12 } from './pkcs12.js';

const MAX_KEYSTORE_BYTES = 1 << 24;
const JKS_MAGIC = 0xfeedfeed;

/** @throws UsageError for a wrong password or a key that is not there, UnsupportedError, CorruptError */
export function keystoreCiphers(storage: Storage, options: KeystoreOptions): CipherOf {
  const { keystore: file, keystorePassword, keyPassword } = options;
  const bytes = readWhole(storage, file, MAX_KEYSTORE_BYTES);
  if (bytes.length >= 4 && Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32BE() === JKS_MAGIC) {
    throw new UnsupportedError('a JKS keystore holds no secret keys', { file, expected: 'JCEKS or PKCS12' });
  }
  const keys = isJceks(bytes) ? readJceks(bytes, keystorePassword, file) : readPkcs12(bytes, keystorePassword, file);
  return ({ encryption }) => {
    const { cipher, keyAlias, iv } = encryption!;
    const key = keys.get(keyAlias.toLowerCase())?.(keyPassword);
    if (key) return blockCipher(cipher, key, iv, file);
    throw new UsageError(`keystore has no secret key '${keyAlias}'`, {
      file,
      seen: [...keys.keys()].join(', ') || 'no secret keys',
    });
  };
}

/** @param transformation as Java names it. @throws UnsupportedError */
function blockCipher(transformation: string, key: Uint8Array, iv: Uint8Array, file: string): BlockCipher {
  const name = opensslName(transformation, key.length);
  if (name === undefined) {
    throw new UnsupportedError(`cipher '${transformation}' with a key of ${key.length} bytes`, {
      file,
      expected: 'AES/CBC/PKCS5Padding with 16, 24 or 32 bytes',
    });
  }
  if (iv.length !== 16) throw new UnsupportedError('length of an initialization vector', { seen: iv.length });
  return {
    decrypt(block) {
      try {
        const cipher = createDecipheriv(name, key, iv);
        const head = cipher.update(block);
        const rest = cipher.final();
        return rest.length === 0 ? head : Buffer.concat([head, rest]);
      } catch (error) {
        throw new CodecError(`decryption: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}

function opensslName(transformation: string, keyBytes: number): string | undefined {
  if (!/^AES(\/CBC\/PKCS[57]Padding)$/i.test(transformation)) return undefined;
  return { 16: 'aes-128-cbc', 24: 'aes-192-cbc', 32: 'aes-256-cbc' }[keyBytes];
}
