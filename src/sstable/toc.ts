/**
 * TOC.txt: the names of an SSTable's components, one a line, itself among them (`Data.db`, `Index.db`, …, `SI_idx.db`, `SAI+aa+idx+Meta.db`).
 * Nothing checks it: a node that starts takes what it finds missing from here as missing from the SSTable, and makes the file anew where it is
 * absent.
 */
import { readWhole, type Storage } from '../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';

/** No real one comes near. */
const MAX_BYTES = 1 << 20;

export function decodeToc(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/);
  return lines.filter((line) => line !== '');
}

export function encodeToc(components: readonly string[]): Uint8Array {
  return new TextEncoder().encode(components.map((component) => `${component}\n`).join(''));
}

/** @throws UsageError where there is none */
export function readToc(storage: Storage, descriptor: Descriptor): string[] {
  return decodeToc(readWhole(storage, componentPath(descriptor, COMPONENT.toc), MAX_BYTES));
}

/** Where TOC.txt and directory differ. */
export type TocDifference = {
  /** Named, but not there. */
  readonly missing: readonly string[];
  /** There, but not named. */
  readonly unnamed: readonly string[];
};

/**
 * @param present names of the components that are there
 * 5.0 itself leaves SAI components of a whole SSTable out of the file (`SAI+aa+PartitionToSize.db`), so unnamed ones of an index are no difference.
 */
export function compareToc(named: readonly string[], present: readonly string[]): TocDifference {
  const [names, files] = [new Set(named), new Set(present)];
  return {
    missing: [...names].filter((name) => !files.has(name)).sort(),
    unnamed: [...files].filter((name) => !names.has(name) && name !== COMPONENT.toc && !isIndexComponent(name)).sort(),
  };
}

/** Components that a secondary index keeps beside an SSTable: of SASI or SAI. */
export function isIndexComponent(component: string): boolean {
  return component.startsWith('SI_') || component.startsWith('SAI+');
}

/** What a reader can't do without: a node refuses an SSTable that lacks one. */
export function requiredComponents(descriptor: Descriptor): readonly string[] {
  const index = descriptor.format === 'big' ? COMPONENT.index : COMPONENT.partitions;
  return [COMPONENT.data, index, COMPONENT.statistics];
}
