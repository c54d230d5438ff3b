/** Replays of logs that are damaged in random ways: what is not replayed is told to be lost, and nothing is replayed that was not written. */
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../../src/bytes/errors.js';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { noCipher } from '../../../src/commitlog/section-decoder.js';
import { NOTHING_PERSISTED } from '../../../src/engine/commitlog-persisted.js';
import { type LogReplayResult, replayLog } from '../../../src/engine/replay/log-replay.js';
import { partitionerOf } from '../../../src/sstable/partitioner.js';
import { versionOf } from '../../../src/sstable/version.js';
import {
  type BuiltSegment,
  buildSegment,
  type Form,
  mutation,
  oneTable,
  TABLE_ID,
} from '../../commitlog/build-segment.js';
import { sequence16 } from '../../sequence.js';

/** Faults of each kind and form; some thousands for a campaign. */
const ROUNDS = Number(process.env.LSMCTL_FAULT_ROUNDS ?? 150);

const FORM = { partitioner: partitionerOf('Murmur3Partitioner'), version: versionOf('big', 'oa') };
const ID = 1700000000123;

async function replayed(bytes: Uint8Array, isLast: boolean, skipsDamage: boolean): Promise<LogReplayResult> {
  const storage = memoryOutput();
  const files = [{ id: ID, bytes }];
  if (!isLast) files.push({ id: ID + 1, bytes: (await next()).bytes });
  const segments = files.map(({ id, bytes: content }) => {
    const file = `/log/CommitLog-8-${id}.log`;
    const sink = storage.create(file);
    sink.write(content);
    sink.close();
    return { file, id, version: 8, bytes: content.length };
  });
  return replayLog(storage, segments, {
    schema: oneTable(),
    cipherOf: noCipher,
    persisted: NOTHING_PERSISTED,
    skipsDamage,
    formOf: () => FORM,
    drive: async (walk) => {
      for (;;) {
        const step = walk.next();
        if (step.done) return step.value;
      }
    },
  });
}

const next = () => buildSegment({ form: 'plain', id: ID + 1, sections: [[mutation(Buffer.from('next'), VALUE, 1)]] });
const VALUE = Uint8Array.from({ length: 40 }, (_, i) => i * 7);

function keysIn(result: LogReplayResult): Set<string> {
  const cursor = result.memtables.get(TABLE_ID)?.freeze()?.cursor();
  const keys = new Set<string>();
  while (cursor?.nextPartition()) keys.add(Buffer.from(cursor.key.subarray(0, cursor.keyLength)).toString());
  return keys;
}

const keyOf = (i: number) => `key ${i}`;

async function build(form: Form): Promise<BuiltSegment> {
  const rows = Array.from({ length: 60 }, (_, i) => mutation(Buffer.from(keyOf(i)), VALUE, i + 1));
  return buildSegment({
    form,
    id: ID,
    sections: [rows.slice(0, 20), rows.slice(20, 25), rows.slice(25)],
    fileBytes: 8192,
  });
}

/** Entries that are neither replayed nor in a range that is told. */
function untold(built: BuiltSegment, result: LogReplayResult): number[] {
  const keys = keysIn(result);
  return built.entries.flatMap((entry, i) => {
    const isTold = result.lost.some(({ from, to = Number.POSITIVE_INFINITY, fileFrom, fileTo, isOpen }) => {
      if (isOpen) return true;
      const marker = built.markers[entry.section]!;
      const isOfSection = built.form !== 'plain' && fileFrom <= marker && marker < fileTo;
      return isOfSection || (from < entry.end && entry.start < to) || fileFrom === 0;
    });
    return keys.has(keyOf(i)) || isTold ? [] : [i];
  });
}

describe.each(['plain', 'LZ4Compressor'] as const)('%s', (form) => {
  it('tells all that a flipped bit costs', async () => {
    const built = await build(form);
    const next16 = sequence16(7);
    const random = (n: number) => next16() % n;
    let stops = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = Uint8Array.from(built.bytes);
      bytes[random(built.end)]! ^= 1 << random(8);
      const result = await replayed(bytes, false, true);
      expect(untold(built, result), `round ${round}`).toEqual([]);
      expect([...keysIn(result)].filter((key) => !/^(key \d+|next)$/.test(key))).toEqual([]);
      await replayed(bytes, false, false).catch((error: unknown) => {
        if (!(error instanceof CorruptError)) throw error;
        stops++;
      });
    }
    expect(stops).toBeGreaterThan(ROUNDS * 0.85);
  }, 300_000);

  it('tells all that a cut costs', async () => {
    const built = await build(form);
    const next16 = sequence16(11);
    const random = Array.from({ length: ROUNDS }, () => 1 + (next16() % (built.end - 1)));
    for (const end of [...built.markers, ...built.markers.map((marker) => marker + 8), built.end, ...random]) {
      const result = await replayed(built.bytes.subarray(0, end), true, true);
      // between two sections nothing tells a cut from an end, unless the file has a length of its own
      const isBoundary = form !== 'plain' && (built.markers.includes(end) || end === built.end);
      if (!isBoundary) expect(untold(built, result), `cut at ${end}`).toEqual([]);
    }
  }, 300_000);
});
