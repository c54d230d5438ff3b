/**
 * The keystore that cassandra.yaml names:
 *
 *   transparent_data_encryption_options:
 *     key_provider:
 *       - class_name: org.apache.cassandra.security.JKSKeyProvider
 *         parameters:
 *           - keystore: conf/.keystore
 *             keystore_password: …
 *             store_type: JCEKS
 *             key_password: …           (the same as keystore_password where absent)
 *
 * Cipher, key alias and initialization vector are named by each segment. Whether encryption is enabled says nothing of the segments that are there.
 */
import path from 'node:path';
import { parse } from 'yaml';
import { UnsupportedError, UsageError } from '../../bytes/errors.js';
import { readWhole, type Storage } from '../../bytes/source.js';

export type KeystoreOptions = {
  readonly keystore: string;
  readonly keystorePassword: string;
  readonly keyPassword: string;
  readonly storeType: string | undefined;
};

const MAX_YAML_BYTES = 1 << 22;

/** @throws UsageError where the file is no YAML or does not name a keystore, UnsupportedError for other key providers */
export function readKeystoreOptions(storage: Storage, file: string): KeystoreOptions {
  const yaml = parseYaml(Buffer.from(readWhole(storage, file, MAX_YAML_BYTES)).toString('utf8'), file);
  const options = mapOf(mapOf(yaml).transparent_data_encryption_options);
  const provider = mapOf(options.key_provider);
  const className = textOf(provider.class_name);
  if (className === undefined) {
    throw new UsageError('names no keystore', {
      file,
      expected: 'transparent_data_encryption_options with a key_provider',
    });
  }
  if (!/(^|\.)JKSKeyProvider$/.test(className)) {
    throw new UnsupportedError('key provider of a class that is not known', {
      file,
      seen: className,
      expected: 'org.apache.cassandra.security.JKSKeyProvider',
    });
  }
  const parameters = mapOf(provider.parameters);
  const keystore = textOf(parameters.keystore);
  const keystorePassword = textOf(parameters.keystore_password);
  if (keystore === undefined || keystorePassword === undefined) {
    throw new UsageError('key_provider lacks a parameter', { file, expected: 'keystore and keystore_password' });
  }
  const keyPassword = textOf(parameters.key_password);
  return {
    keystore: locate(storage, file, keystore),
    keystorePassword,
    keyPassword: keyPassword === undefined || keyPassword === '' ? keystorePassword : keyPassword,
    storeType: textOf(parameters.store_type),
  };
}

/** Cassandra takes the path from where it was started, often the directory above `conf`. */
function locate(storage: Storage, yaml: string, keystore: string): string {
  if (path.isAbsolute(keystore)) return keystore;
  const directory = path.dirname(path.resolve(yaml));
  const places = [directory, path.dirname(directory), '.'].map((place) => path.join(place, keystore));
  const beside = path.join(directory, path.basename(keystore));
  const found = [...places, beside].find((place) => storage.stat(place)?.isFile);
  if (found !== undefined) return found;
  throw new UsageError('keystore is not there', {
    file: yaml,
    seen: keystore,
    expected: `one of ${places.join(', ')}`,
  });
}

function parseYaml(text: string, file: string): unknown {
  try {
    // of a key that is given twice the last counts, as for a node
    return parse(text, { maxAliasCount: 100, uniqueKeys: false });
  } catch (error) {
    throw new UsageError(`is no YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`, { file });
  }
}

/** A map, or the one map in a list, as Cassandra writes parameters. */
function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  const one = Array.isArray(value) ? value[0] : value;
  return typeof one === 'object' && one !== null ? (one as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
}
