/** The key for encrypted segments, by the flags of a command. */
import { diskStorage } from '../../bytes/source.js';
import { type CipherOf, noCipher } from '../../commitlog/section-decoder.js';

export async function cipherOfFlags(flags: { readonly 'cassandra-yaml'?: string | undefined }): Promise<CipherOf> {
  const file = flags['cassandra-yaml'];
  if (file === undefined) return noCipher;
  const [{ readKeystoreOptions }, { keystoreCiphers }] = await Promise.all([
    import('../../commitlog/encryption/encryption-options.js'),
    import('../../commitlog/encryption/keystore.js'),
  ]);
  let ciphers: CipherOf | undefined;
  return (descriptor) => {
    ciphers ??= keystoreCiphers(diskStorage, readKeystoreOptions(diskStorage, file));
    return ciphers(descriptor);
  };
}
