/**
 * Components of storage-attached indexes (`SAI+…`): what they hold is not decoded, but each ends in the checksum of its bytes, big-endian:
 *
 *   … | u32 c02893e8 | u32 0 | u64 CRC-32C of all before it              markers of completion of whole SSTables are empty
 */
import { crc32c } from '../../bytes/crc32c.js';
import type { Storage } from '../../bytes/source.js';
import { componentPath, type Descriptor } from '../../sstable/descriptor.js';
import type { FindingLog } from './finding.js';

const FOOTER_BYTES = 16;
const CHECKSUM_BYTES = 8;
const FOOTER_MAGIC = 0xc02893e8;
const BLOCK_BYTES = 1 << 16;

export function isSaiComponent(component: string): boolean {
  return component.startsWith('SAI+');
}

/** @returns bytes read */
export function checkSaiComponent(
  storage: Storage,
  descriptor: Descriptor,
  component: string,
  log: FindingLog,
): number {
  const source = storage.open(componentPath(descriptor, component));
  try {
    const { size } = source;
    if (size === 0 && component.endsWith('Complete.db')) return 0;
    if (size < FOOTER_BYTES) {
      log.add('sai', 'is too short for its footer', {
        component,
        seen: `${size} bytes`,
        expected: `${FOOTER_BYTES} bytes`,
      });
      return size;
    }
    const footer = Buffer.alloc(FOOTER_BYTES);
    source.read(size - FOOTER_BYTES, footer, 0, FOOTER_BYTES);
    if (footer.readUInt32BE(0) !== FOOTER_MAGIC || footer.readUInt32BE(4) !== 0) {
      const offset = size - FOOTER_BYTES;
      log.add('sai', 'does not end in a footer', { component, offset, seen: footer.toString('hex', 0, 8) });
      return size;
    }
    const block = new Uint8Array(BLOCK_BYTES);
    let sum = 0;
    for (let at = 0; at < size - CHECKSUM_BYTES; ) {
      const n = source.read(at, block, 0, Math.min(block.length, size - CHECKSUM_BYTES - at));
      if (n === 0) break;
      sum = crc32c(block.subarray(0, n), sum);
      at += n;
    }
    const expected = footer.readBigUInt64BE(8);
    if (BigInt(sum) !== expected) {
      log.add('sai', 'checksum differs', {
        component,
        seen: `0x${sum.toString(16)}`,
        expected: `0x${expected.toString(16)}`,
      });
    }
    return size;
  } finally {
    source.close();
  }
}
