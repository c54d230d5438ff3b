/** The few statistics that a read asks for are those of the whole, of every SSTable of the fixtures. */
import { expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { readStatistics } from '../../../src/sstable/statistics.js';
import { fixtureSSTables } from '../../fixtures.js';

it.each(fixtureSSTables())('$name', ({ file }) => {
  const { descriptor } = parseDescriptor(file);
  const bounds = readStatistics(diskStorage, descriptor).bounds;
  const { maxTimestampMicros, hasPartitionLevelDeletions, coveredClustering, firstKey, lastKey } = readStatistics(
    diskStorage,
    descriptor,
  ).stats;
  expect({ coveredClustering: undefined, firstKey: undefined, lastKey: undefined, ...bounds }).toEqual({
    maxTimestampMicros,
    hasPartitionLevelDeletions,
    coveredClustering,
    firstKey,
    lastKey,
  });
});
