/** What is done to the files of a commit log's copy, so that it is as a crash would have left it. */
import { UsageError } from '../../bytes/errors.js';
import type { ByteSource } from '../../bytes/source.js';
import { ByteWriter } from '../../bytes/writer.js';
import { loadCompressor } from '../../codec/load.js';
import type { SectionDecoder } from '../../commitlog/section-decoder.js';
import { SYNC_MARKER_BYTES } from '../../commitlog/segment-reader.js';
import type { Damage } from './crash.js';
import type { LogCut, LogSurvey, SurveyedSegment } from './log-survey.js';

/** One change of a segment's file; those of a file are made in their order. */
export type SegmentEdit =
  | { readonly kind: 'remove' }
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** From there on the file holds zeros; it stays as long as it is. */
  | { readonly kind: 'zero'; readonly from: number }
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number };

/** By the id of the segment. */
export type LogEdits = Map<number, SegmentEdit[]>;

/** Whether a cut falls exactly between two writes, or only between two sections. */
export type CutGrain = 'write' | 'section';

/** Of an encrypted segment a section can't be made anew: all of it goes. */
export function cutGrain({ form }: SurveyedSegment): CutGrain {
  return form === 'encrypted' ? 'section' : 'write';
}

/**
 * The log as it would be had the node synced last before the cut: the section ends there, nothing follows, and later segments are not there.
 * @param open the segment of the cut, to read its section from
 */
export async function cutEdits(
  survey: LogSurvey,
  cut: LogCut,
  open: { readonly source: ByteSource; readonly decoder: SectionDecoder | undefined },
): Promise<LogEdits> {
  const edits: LogEdits = new Map();
  const segment = survey.segments[cut.segment]!;
  const { filePosition, start } = cut.section;
  const isWhole = cut.position === start || cutGrain(segment) === 'section';
  const { id } = segment.file;
  if (segment.form === 'plain') {
    edits.set(
      id,
      isWhole
        ? [{ kind: 'zero', from: filePosition }]
        : [
            { kind: 'write', at: filePosition, bytes: int32(cut.position) },
            { kind: 'zero', from: cut.position },
          ],
    );
  } else if (isWhole) {
    edits.set(id, [{ kind: 'truncate', bytes: filePosition }]);
  } else {
    const stored = await storedAnew(segment, cut, open);
    const end = filePosition + SYNC_MARKER_BYTES + stored.length;
    edits.set(id, [
      { kind: 'truncate', bytes: filePosition + SYNC_MARKER_BYTES },
      { kind: 'write', at: filePosition, bytes: int32(end) },
      { kind: 'write', at: filePosition + SYNC_MARKER_BYTES, bytes: stored },
    ]);
  }
  for (const later of survey.segments.slice(cut.segment + 1)) edits.set(later.file.id, [{ kind: 'remove' }]);
  return edits;
}

/** `i32 plain length | compressed` of the section's plain bytes up to the cut. */
async function storedAnew(
  { compressor, file }: SurveyedSegment,
  { section, position }: LogCut,
  { source, decoder }: { readonly source: ByteSource; readonly decoder: SectionDecoder | undefined },
): Promise<Uint8Array> {
  const stored = new Uint8Array(section.fileEnd - section.filePosition - SYNC_MARKER_BYTES);
  const from = section.filePosition + SYNC_MARKER_BYTES;
  const n = source.read(from, stored, 0, stored.length);
  const plain = decoder!.decode(stored.subarray(0, n), section.filePosition, file.file);
  const length = position - section.start;
  const codec = await loadCompressor(compressor!);
  const out = new Uint8Array(codec.maxCompressedLength(length));
  const written = codec.compress(plain.buf.slice(0, length), 0, length, out, 0);
  return Buffer.concat([int32(length), out.subarray(0, written)]);
}

function int32(value: number): Uint8Array {
  const out = new ByteWriter(4);
  out.i32(value);
  return out.toBytes();
}

/**
 * Adds damage to what a log has become already.
 * @param bytesOf how long a segment's file is then; `undefined` for one that is not there. @throws UsageError for a bit that is not there any more
 */
export function addDamage(
  edits: LogEdits,
  damage: readonly Damage[],
  bytesOf: (segmentId: number) => number | undefined,
): void {
  const order = { flip: 0, 'tear-at': 1, 'drop-segment': 2 } as const;
  for (const one of damage.toSorted((a, b) => order[a.kind] - order[b.kind])) {
    const { id, file } = one.segment;
    const list = edits.get(id) ?? [];
    const bytes = bytesOf(id);
    if (bytes === undefined) continue;
    edits.set(id, list);
    if (one.kind === 'drop-segment') list.push({ kind: 'remove' });
    else if (one.kind === 'tear-at') list.push({ kind: 'truncate', bytes: Math.min(bytes, one.offset) });
    else {
      const at = Math.floor(one.bit / 8);
      if (at >= bytes) throw new UsageError('--flip is behind what was synced last', { file, seen: one.bit, expected: `0 to ${bytes * 8 - 1}` }); // biome-ignore format: one line
      list.push({ kind: 'flip', at, mask: 1 << (one.bit % 8) });
    }
  }
}

/** How long a file of `bytes` is after `edits`; `undefined` where it is removed. */
export function bytesAfter(bytes: number, edits: readonly SegmentEdit[]): number | undefined {
  let length = bytes;
  for (const edit of edits) {
    if (edit.kind === 'remove') return undefined;
    if (edit.kind === 'truncate') length = edit.bytes;
    if (edit.kind === 'write') length = Math.max(length, edit.at + edit.bytes.length);
  }
  return length;
}

/** `bytes` of a file after `edits`; for tests and small files. `undefined` where it is removed. */
export function applyEdits(bytes: Uint8Array, edits: readonly SegmentEdit[]): Uint8Array | undefined {
  let file = Uint8Array.from(bytes);
  for (const edit of edits) {
    if (edit.kind === 'remove') return undefined;
    if (edit.kind === 'truncate') file = file.slice(0, edit.bytes);
    else if (edit.kind === 'zero') file.fill(0, edit.from);
    else if (edit.kind === 'flip') file[edit.at] = file[edit.at]! ^ edit.mask;
    else {
      const grown = new Uint8Array(Math.max(file.length, edit.at + edit.bytes.length));
      grown.set(file);
      grown.set(edit.bytes, edit.at);
      file = grown;
    }
  }
  return file;
}
