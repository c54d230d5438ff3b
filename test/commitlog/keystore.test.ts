import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CorruptError, UnsupportedError, UsageError } from '../../src/bytes/errors.js';
import { diskStorage, readWhole } from '../../src/bytes/source.js';
import { readJceks } from '../../src/commitlog/encryption/jceks.js';
import { readPkcs12 } from '../../src/commitlog/encryption/pkcs12.js';

// Written by Java 17's KeyStore: aliases Log:1 and log:2, the bytes below; legacy.p12 with -Dkeystore.pkcs12.legacy
const STORES = [
  { name: 'java17.jceks', read: readJceks, keyPassword: 'keypass' },
  { name: 'java17.p12', read: readPkcs12, keyPassword: 'storepass' },
  { name: 'legacy.p12', read: readPkcs12, keyPassword: 'storepass' },
] as const;

const bytesOf = (name: string) => readWhole(diskStorage, fileURLToPath(new URL(`keystores/${name}`, import.meta.url)));
const sequence = (length: number, step: number, first: number) =>
  Uint8Array.from({ length }, (_, i) => i * step + first);

describe.each(STORES)('$name', ({ name, read, keyPassword }) => {
  const bytes = bytesOf(name);

  it('gives the bytes of its keys, by aliases in lower case', () => {
    const keys = read(bytes, 'storepass', name);
    expect([...keys.keys()].sort()).toEqual(['log:1', 'log:2']);
    expect(Buffer.compare(keys.get('log:1')!(keyPassword), sequence(16, 7, 1))).toBe(0);
    expect(Buffer.compare(keys.get('log:2')!(keyPassword), sequence(32, 5, 3))).toBe(0);
  });

  it('tells a wrong password', () => {
    expect(() => read(bytes, 'other', name)).toThrow('keystore_password is wrong');
    expect(() => read(bytes, 'storepass', name).get('log:1')!('wrong')).toThrow('key_password is wrong');
  });

  it('never crashes on damage', () => {
    for (let i = 0; i < bytes.length; i += Math.ceil(bytes.length / 5)) {
      const damaged = bytes.slice();
      damaged[i] = damaged[i]! ^ 0x55;
      let failure: unknown;
      try {
        for (const key of read(damaged, 'storepass', name).values()) key(keyPassword);
      } catch (error) {
        failure = error;
      }
      const isKnown =
        failure === undefined ||
        failure instanceof UsageError ||
        failure instanceof CorruptError ||
        failure instanceof UnsupportedError;
      expect(isKnown, `byte ${i}: ${failure}`).toBe(true);
    }
    for (let length = 0; length < bytes.length; length += 200) {
      expect(() => read(bytes.slice(0, length), 'storepass', name)).toThrow(/./);
    }
  }, 20_000);
});
