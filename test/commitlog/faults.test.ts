/**
 * Damages segments in every form, and holds what a check says is lost against what is: every mutation that it does not give back lies in a range
 * that it calls lost, no range is called lost without reason, and nothing is given back that was not written.
 */
import { createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/bytes/source.js';
import { CodecError } from '../../src/codec/codec.js';
import type { LostRange } from '../../src/commitlog/salvage.js';
import type { CipherOf } from '../../src/commitlog/section-decoder.js';
import { checkSalvage, checkSegment } from '../../src/commitlog/segment-check.js';
import { parseSegmentName } from '../../src/commitlog/segment-descriptor.js';
import type { SegmentFault } from '../../src/commitlog/segment-fault.js';
import { openSegment } from '../../src/commitlog/segment-open.js';
import { sequence16 } from '../sequence.js';
import {
  type BuiltEntry,
  type BuiltSegment,
  buildSegment,
  FORMS,
  type Form,
  KEY,
  mutation,
  oneTable,
} from './build-segment.js';

const cipherOf: CipherOf = ({ encryption }) => ({
  decrypt(block) {
    try {
      const cipher = createDecipheriv('aes-128-cbc', KEY, encryption!.iv);
      return Buffer.concat([cipher.update(block), cipher.final()]);
    } catch (error) {
      throw new CodecError(String(error));
    }
  },
});

const schema = oneTable();

/** Faults of each kind and form; some thousands for a campaign. */
const ROUNDS = Number(process.env.LSMCTL_FAULT_ROUNDS ?? 100);

type Found = {
  readonly faults: readonly SegmentFault[];
  /** Mutations given back, as text, and those of them that the reader itself passed on. */
  readonly read: readonly string[];
  readonly lost: readonly LostRange[];
};

async function check(bytes: Uint8Array, name: string): Promise<Found> {
  const faults: SegmentFault[] = [];
  const read: string[] = [];
  const lost: LostRange[] = [];
  const seen = (buf: Uint8Array, start: number, end: number) => void read.push(text(buf.subarray(start, end)));
  const opened = await openSegment(memorySource(bytes, name), parseSegmentName(name)!, cipherOf);
  const { segment, fault: ofDescriptor, isGuessed } = opened;
  if (ofDescriptor) faults.push(ofDescriptor);
  if (!segment) return { faults, read, lost: [{ from: 0, fileFrom: 0, fileTo: bytes.length, isOpen: true }] };
  const visitor = {
    section() {},
    passed: (entry: { buf: Uint8Array; start: number; end: number }) => seen(entry.buf, entry.start, entry.end),
    unknown() {},
    left: (entry: { buf: Uint8Array; start: number; end: number }) => seen(entry.buf, entry.start, entry.end),
    unreadable: (_: unknown, fault: SegmentFault) => void faults.push(fault),
    fault: (fault: SegmentFault) => void faults.push(fault),
    lost: (range: LostRange) => void lost.push(range),
  };
  const walk = (isGuessed ? checkSalvage : checkSegment)(segment, schema, visitor);
  while (!walk.next().done);
  return { faults, read, lost };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/**
 * Plain: by positions. Else by the section's place in the file, and where the section can be read, by the place within: a section that can't be
 * read takes the count of positions with it.
 */
function covers(built: BuiltSegment, range: LostRange, { start, end, section }: BuiltEntry): boolean {
  const { from, to = Number.POSITIVE_INFINITY, fileFrom, fileTo, sectionStart, isOpen } = range;
  if (built.form === 'plain') return from < end && start < to;
  const next = built.markers[section + 1] ?? built.end;
  if (fileFrom >= next || (built.markers[section]! >= fileTo && !isOpen)) return false;
  if (sectionStart === undefined) return true;
  if (section !== range.section) return range.to === undefined;
  const begin = built.entries.find((entry) => entry.section === section)!.start;
  return from - sectionStart < end - begin && start - begin < to - sectionStart;
}

/** What is wrong with what a check found, as text; empty where it is right. */
function judge(built: BuiltSegment, found: Found, undetectable: (entry: BuiltEntry) => boolean): string {
  const read = new Set(found.read);
  const written = new Set(built.entries.map((entry) => text(entry.mutation)));
  if (found.read.length !== read.size) return `${found.read.length - read.size} mutations twice`;
  const invented = found.read.filter((bytes) => !written.has(bytes)).length;
  if (invented > 0) return `${invented} mutations that nobody wrote`;
  const missing = built.entries.filter((entry) => !read.has(text(entry.mutation)) && !undetectable(entry));
  if (missing.length > 0 && found.faults.length === 0) return `${missing.length} missing without a fault`;
  const untold = missing.filter((entry) => !found.lost.some((range) => covers(built, range, entry)));
  if (untold.length > 0) return `${untold.length} missing and not called lost, first at ${untold[0]!.start}`;
  for (const range of found.lost) {
    const count = missing.filter((entry) => covers(built, range, entry)).length;
    if (!range.isOpen && !range.isUncertain && count === 0) return `nothing is lost in ${range.from} to ${range.to}`;
    if (range.mutations !== undefined && count !== range.mutations)
      return `${count} lost where ${range.mutations} are told`;
  }
  return '';
}

function small(form: Form): Promise<BuiltSegment> {
  const next = sequence16(7);
  const random = () => next() / 65536;
  const bytes = (n: number) => Uint8Array.from({ length: n }, () => random() * 256);
  let number = 0;
  const sections = Array.from({ length: 7 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 24) }, () =>
      mutation(Buffer.from(`key ${number++}`), bytes(random() * 200), number),
    ),
  );
  return buildSegment({ form, sections });
}

describe.each(FORMS)('%s', (form) => {
  it('gives back a sound segment', async () => {
    const built = await small(form);
    const found = await check(built.bytes, built.name);
    expect(found.faults).toEqual([]);
    expect(found.lost).toEqual([]);
    expect(found.read).toEqual(built.entries.map((entry) => text(entry.mutation)));
  });

  it('tells what a cut costs, wherever it is', { timeout: 600_000 }, async () => {
    const built = await small(form);
    const next = sequence16(11);
    const cuts = [
      ...built.markers,
      built.end,
      ...built.markers.map((at) => at + 8),
      ...built.markers.map((at) => at + 3),
    ];
    for (let i = 0; i < ROUNDS / 3; i++) cuts.push(Math.floor((next() / 65536) * (built.end + 40)));
    for (const cut of cuts.filter((at) => at < built.bytes.length)) {
      const found = await check(built.bytes.slice(0, cut), built.name);
      // between two sections nothing tells a cut from an end, unless the file has a length of its own
      const isBoundary = form !== 'plain' && (built.markers.includes(cut) || cut === built.end);
      expect(
        judge(built, found, () => isBoundary),
        `cut at ${cut} of ${built.end}`,
      ).toBe('');
    }
  });

  it('tells what a flipped bit costs, wherever it is', { timeout: 600_000 }, async () => {
    const built = await small(form);
    const next = sequence16(form.length);
    for (let i = 0; i < ROUNDS; i++) {
      const at = Math.floor((next() / 65536) * built.end);
      const damaged = Uint8Array.from(built.bytes);
      damaged[at] = damaged[at]! ^ (1 << (i % 8));
      const found = await check(damaged, built.name);
      expect(
        judge(built, found, () => false),
        `bit ${i % 8} of byte ${at}, markers ${built.markers}`,
      ).toBe('');
    }
  });

  it('tells what a page of zeros costs', { timeout: 600_000 }, async () => {
    const built = await small(form);
    const next = sequence16(form.length + 1);
    for (let i = 0; i < ROUNDS / 3; i++) {
      const at = Math.floor((next() / 65536) * built.end);
      const damaged = Uint8Array.from(built.bytes);
      damaged.fill(0, at, Math.min(at + 512, built.end));
      const found = await check(damaged, built.name);
      expect(
        judge(built, found, () => false),
        `zeros at ${at}, markers ${built.markers}`,
      ).toBe('');
    }
  });
});
