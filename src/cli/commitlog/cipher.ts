/** The key for encrypted segments, by the flags of a command. */
import { type CipherOf, noCipher } from '../../commitlog/section-decoder.js';

export async function cipherOfFlags(flags: { readonly 'cassandra-yaml'?: string | undefined }): Promise<CipherOf> {
  const file = flags['cassandra-yaml'];
  if (file === undefined) return noCipher;
  return noCipher;
}
