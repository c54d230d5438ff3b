/** A log that is cut where the last writes begin: it reads as it would have been synced then, in every form. */
import { createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/bytes/source.js';
import type { CipherOf } from '../../../src/commitlog/section-decoder.js';
import { checkSegment } from '../../../src/commitlog/segment-check.js';
import { parseSegmentName } from '../../../src/commitlog/segment-descriptor.js';
import { openSegment } from '../../../src/commitlog/segment-open.js';
import type { Entry } from '../../../src/commitlog/segment-reader.js';
import { LogSurvey } from '../../../src/engine/drill/log-survey.js';
import { applyEdits, cutEdits, cutGrain } from '../../../src/engine/drill/segment-edits.js';
import {
  type BuiltSegment,
  buildSegment,
  FORMS,
  type Form,
  KEY,
  mutation,
  oneTable,
} from '../../commitlog/build-segment.js';

const cipherOf: CipherOf = ({ encryption }) => ({
  decrypt(block) {
    const cipher = createDecipheriv('aes-128-cbc', KEY, encryption!.iv);
    return Buffer.concat([cipher.update(block), cipher.final()]);
  },
});

const ID = 1_700_000_000_000;
/** As `mutation` counts: microseconds since 2015-09-22. */
const START = ID * 1000 - 1_442_880_000_000_000;
const MTIME = ID + 3_600_000;
const SECOND = 1_000_000;

/** Ten writes a second, one section a second. */
function build(form: Form, id: number, fromSecond: number, seconds: number): Promise<BuiltSegment> {
  const sections = Array.from({ length: seconds }, (_, s) =>
    Array.from({ length: 10 }, (_, i) => {
      const at = (fromSecond + s) * 10 + i;
      return mutation(Buffer.from(`k${at}`), Buffer.from('v'.repeat(at % 40)), START + at * (SECOND / 10));
    }),
  );
  return buildSegment({ form, id, sections });
}

const open = async ({ bytes, name }: { bytes: Uint8Array; name: string }) =>
  (await openSegment(memorySource(bytes, name), parseSegmentName(name)!, cipherOf)).segment!;

async function survey(built: readonly BuiltSegment[]): Promise<LogSurvey> {
  const log = new LogSurvey(Number.POSITIVE_INFINITY);
  for (const one of built) {
    const { id, version } = parseSegmentName(one.name)!;
    const walk = log.take({ file: one.name, id, version, bytes: one.bytes.length }, await open(one), oneTable(), MTIME);
    while (!walk.next().done);
  }
  return log;
}

/** Mutations that a node reads, and what it finds wrong. */
async function read(bytes: Uint8Array, name: string): Promise<{ texts: string[]; faults: string[] }> {
  const texts: string[] = [];
  const faults: string[] = [];
  const passed = ({ buf, start, end }: Entry) =>
    void texts.push(Buffer.from(buf.subarray(start, end)).toString('latin1'));
  const walk = checkSegment(await open({ bytes, name }), oneTable(), {
    section() {},
    unknown() {},
    left() {},
    lost() {},
    unreadable() {},
    passed,
    fault: ({ kind }) => void faults.push(kind),
  });
  while (!walk.next().done);
  return { texts, faults };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

describe.each(FORMS)('%s', (form) => {
  // the newest write is of 11.9 s
  it.each([
    { seconds: 0.25, kept: 117, whole: 110 },
    { seconds: 2.45, kept: 95, whole: 90 },
    { seconds: 5.95, kept: 60, whole: 60 },
    { seconds: 9.05, kept: 29, whole: 20 },
    { seconds: 60, kept: 0, whole: 0 },
  ])('without the last $seconds s', async ({ seconds, kept, whole }) => {
    const built = [await build(form, ID, 0, 6), await build(form, ID + 1, 6, 6)];
    const log = await survey(built);
    expect(log.clock).toEqual({ source: 'wall-clock', newestMicros: ID * 1000 + 11.9 * SECOND });
    const cut = log.cutBefore(seconds)!;
    expect(cut.mutation).toBe(kept);
    const edits = await cutEdits(log, cut, await open(built[cut.segment]!));
    const expected = form === 'encrypted' ? whole : kept;
    expect(cutGrain(log.segments[cut.segment]!)).toBe(form === 'encrypted' ? 'section' : 'write');
    const found: string[] = [];
    for (const [i, { bytes, name }] of built.entries()) {
      const after = applyEdits(bytes, edits.get(ID + i) ?? []);
      if (i > cut.segment) expect(after).toBeUndefined();
      if (!after) continue;
      const { texts, faults } = await read(after, name);
      expect(faults).toEqual([]);
      found.push(...texts);
    }
    const all = built.flatMap(({ entries }) => entries.map((entry) => text(entry.mutation)));
    expect(found).toEqual(all.slice(0, expected));
  });

  it('loses nothing in no time', async () => {
    expect((await survey([await build(form, ID, 0, 2)])).cutBefore(0)).toBeUndefined();
  });
});

describe('the clock of a log', () => {
  const one = (micros: number) => mutation(Buffer.from([1]), Buffer.from([2]), micros);
  const DAY = 86_400 * SECOND;

  it('is that of writes whose time can be', async () => {
    const times = [START, START - DAY * 300, START + SECOND, START + DAY * 400, START + 2 * SECOND, START - DAY];
    const log = await survey([await buildSegment({ form: 'plain', id: ID, sections: [times.map(one)] })]);
    expect(log.clock).toEqual({ source: 'wall-clock', newestMicros: ID * 1000 + 2 * SECOND });
    expect([...log.times()].map((micros) => micros! / 1000 - ID)).toEqual([0, 0, 1000, 1000, 2000, 2000]);
    expect(log.cutBefore(1.5)!.mutation).toBe(2);
    expect(log.cutBefore(0.5)!.mutation).toBe(4);
  });

  it("is clients' where none can be", async () => {
    const times = [5, 3, 9].map((s) => s * SECOND);
    const log = await survey([await buildSegment({ form: 'plain', id: ID, sections: [times.map(one)] })]);
    expect(log.clock.source).toBe('clients');
    expect(log.cutBefore(5)!.mutation).toBe(0);
    expect(log.cutBefore(4.5)!.mutation).toBe(0);
    expect(log.cutBefore(4)!.mutation).toBe(2);
    expect(log.cutBefore(3)!.mutation).toBe(2);
  });

  it('is none where nothing was written', async () => {
    const log = await survey([await buildSegment({ form: 'plain', id: ID, sections: [] })]);
    expect(log.clock.newestMicros).toBeUndefined();
    expect(log.cutBefore(10)).toBeUndefined();
  });
});
