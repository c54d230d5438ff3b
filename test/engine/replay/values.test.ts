/** Mutations with values that are none of their types: a node stops at them, or takes them, and so does a replay. */
import { describe, expect, it } from 'vitest';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { LogSchema } from '../../../src/commitlog/log-schema.js';
import { noCipher } from '../../../src/commitlog/section-decoder.js';
import { parseSchema } from '../../../src/cql/ddl-parser.js';
import { NOTHING_PERSISTED } from '../../../src/engine/commitlog-persisted.js';
import { type LeftMutation, verifyLog } from '../../../src/engine/commitlog-verify.js';
import { type ReplayOptions, replayLog } from '../../../src/engine/replay/log-replay.js';
import { partitionerOf } from '../../../src/sstable/partitioner.js';
import { versionOf } from '../../../src/sstable/version.js';
import { buildSegment } from '../../commitlog/build-segment.js';
import { caseMutation, statements, TABLES, tableId } from '../../commitlog/value-cases.js';

const ID = 1700000000123;
const FORM = { partitioner: partitionerOf('Murmur3Partitioner'), version: versionOf('big', 'oa') };

function schema(): LogSchema {
  const tables = new LogSchema();
  tables.add(parseSchema(statements(false).join(';\n'), {}), 'schema');
  return tables;
}

async function logOf(version: number, mutations: readonly Uint8Array[]) {
  const { bytes } = await buildSegment({ form: 'plain', version, id: ID, sections: [mutations] });
  const storage = memoryOutput();
  const file = `/log/CommitLog-${version}-${ID}.log`;
  const sink = storage.create(file);
  sink.write(bytes);
  sink.close();
  return { storage, segments: [{ file, id: ID, version, bytes: bytes.length }] };
}

async function drive<T>(walk: Generator<number, T>): Promise<T> {
  for (;;) {
    const step = walk.next();
    if (step.done) return step.value;
  }
}

async function replayed(version: number, mutations: readonly Uint8Array[], more: Partial<ReplayOptions> = {}) {
  const { storage, segments } = await logOf(version, mutations);
  return replayLog(storage, segments, {
    schema: schema(),
    cipherOf: noCipher,
    persisted: NOTHING_PERSISTED,
    skipsDamage: true,
    formOf: () => FORM,
    drive,
    ...more,
  });
}

const cases = TABLES.flatMap(({ cql, where, cases: all }, i) =>
  all.map(({ value, path, deletedAt, isTaken }, j) => {
    const what = [cql, where, path, value || 'nothing', deletedAt && 'deleted'].filter(Boolean).join(' ');
    return { what, i, j, isTaken };
  }),
);
const refused = cases.filter(({ isTaken }) => !isTaken);

describe.each([7, 8])('version %d', (version) => {
  it('takes and refuses what a node does', async () => {
    const result = await replayed(
      version,
      cases.map(({ i, j }) => caseMutation(i, j)),
    );
    const kept = new Set<string>();
    for (const [id, memtable] of result.memtables) {
      const cursor = memtable.freeze()?.cursor();
      while (cursor?.nextPartition()) kept.add(`${id} ${Buffer.from(cursor.key.subarray(0, cursor.keyLength))}`);
    }
    const differ = cases.filter(({ i, j, isTaken }) => kept.has(`${tableId(i)} ${j}`) !== isTaken);
    expect(differ.map(({ what }) => what)).toEqual([]);
    expect(result.lost.map(({ mutations }) => mutations)).toEqual(refused.map(() => 1));
    expect(new Set(result.faults.map(({ kind, atStart }) => `${kind} ${atStart}`))).toEqual(
      new Set(['mutation_content stops']),
    );
  });
});

describe('a value that is none of its type', () => {
  const good = caseMutation(0, 1);
  const bad = caseMutation(
    0,
    TABLES[0]!.cases.findIndex(({ isTaken }) => !isTaken),
  );

  it('stops a replay', async () => {
    await expect(replayed(8, [good, bad], { skipsDamage: false })).rejects.toThrow(
      'column v: value is none of its type: text is not UTF-8',
    );
  });

  it.each<[string, Partial<ReplayOptions>]>([
    ['its table is not asked for', { wantsTable: () => false }],
    ['it is only counted', { countsOnly: true }],
    ['it is from after the point in time', { untilMicros: 1n }],
    [
      'SSTables hold it',
      {
        persisted: {
          ...NOTHING_PERSISTED,
          intervals: new Map([
            [
              tableId(0),
              [{ start: { segmentId: 0n, position: 0 }, end: { segmentId: BigInt(ID), position: 1 << 30 } }],
            ],
          ]),
        },
      },
    ],
  ])('also where %s', async (_, options) => {
    await expect(replayed(8, [good, bad], { ...options, skipsDamage: false })).rejects.toThrow('none of its type');
    const { lost } = await replayed(8, [good, bad, good], options);
    expect(lost.length).toBe(1);
  });

  it('takes the other updates of its mutation with it', async () => {
    const batch = (...all: Uint8Array[]) =>
      Uint8Array.from([all.length, ...all.flatMap((mutation) => [...mutation.subarray(1)])]);
    const other = caseMutation(2, 1);
    const result = await replayed(8, [batch(other, bad), batch(other, good)]);
    expect([result.mutations, result.replayed, result.lost.length]).toEqual([1, 1, 1]);
  });

  it('is told by a verification, with what it costs', async () => {
    const { storage, segments } = await logOf(8, [good, bad]);
    const left: LeftMutation[] = [];
    const report = await verifyLog(storage, segments, {
      schema: schema(),
      persisted: NOTHING_PERSISTED,
      cipherOf: noCipher,
      drive,
      onLeft: (mutation) => void left.push(mutation),
    });
    expect(report.verdict).toBe('stops');
    expect(report.faults.map(({ kind, atStart, whenIgnored }) => [kind, atStart, whenIgnored])).toEqual([
      ['mutation_content', 'stops', 'skips_mutation'],
    ]);
    expect(report.segments.map((segment) => segment.left)).toEqual([1]);
    expect(left.flatMap(({ updates }) => updates.map(({ tableId: id }) => id))).toEqual([tableId(0)]);
  });
});
