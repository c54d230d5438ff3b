/** What an SSTable's files look like from outside, so that a plan made of them is not carried out on others. */
import { crc32 } from '../../bytes/crc32.js';
import { readWhole, type Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { readDigest } from '../../sstable/digest.js';

/** Of the components that a compaction reads, and of those that say what they should be. */
export type Fingerprint = {
  readonly components: readonly ComponentPrint[];
  /** Of Data.db: what Digest.crc32 holds. */
  readonly digest?: number;
  /** CRC-32 of Statistics.db, which no digest covers: it changes with level and repair state. */
  readonly statisticsCrc: number;
};

export type ComponentPrint = {
  readonly component: string;
  readonly bytes: number;
  /** Milliseconds since 1970, whole. */
  readonly modifiedMillis: number;
};

/** @throws UsageError where Statistics.db or Digest.crc32 can't be read, CorruptError */
export function fingerprintOf(storage: Storage, descriptor: Descriptor): Fingerprint {
  const components = Object.values(COMPONENT).flatMap((component): ComponentPrint[] => {
    const stat = storage.stat(componentPath(descriptor, component));
    return stat ? [{ component, bytes: stat.size, modifiedMillis: Math.floor(stat.mtimeMillis) }] : [];
  });
  const hasDigest = components.some(({ component }) => component === COMPONENT.digest);
  return {
    components,
    ...(hasDigest && { digest: readDigest(storage, descriptor) }),
    statisticsCrc: crc32(readWhole(storage, componentPath(descriptor, COMPONENT.statistics), 1 << 26)),
  };
}

/** How `now` differs from `then`, in words; empty where it does not. */
export function changesBetween(then: Fingerprint, now: Fingerprint): string[] {
  const changes: string[] = [];
  const before = new Map(then.components.map((one) => [one.component, one]));
  const after = new Map(now.components.map((one) => [one.component, one]));
  for (const [component, { bytes, modifiedMillis }] of before) {
    const print = after.get(component);
    if (!print) changes.push(`${component} is gone`);
    else if (print.bytes !== bytes) changes.push(`${component} had ${bytes} bytes and has ${print.bytes}`);
    else if (print.modifiedMillis !== modifiedMillis) {
      changes.push(`${component} was written ${timeText(modifiedMillis)} and is of ${timeText(print.modifiedMillis)}`);
    }
  }
  for (const component of after.keys()) if (!before.has(component)) changes.push(`${component} is new`);
  if (then.digest !== now.digest) {
    changes.push(`${COMPONENT.digest} said ${then.digest ?? 'nothing'} and says ${now.digest ?? 'nothing'}`);
  }
  if (then.statisticsCrc !== now.statisticsCrc) changes.push(`${COMPONENT.statistics} has other bytes`);
  return changes;
}

function timeText(millis: number): string {
  return new Date(millis).toISOString();
}
