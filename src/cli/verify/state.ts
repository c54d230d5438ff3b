/**
 * The state file of `verify --state`: a line of JSON for each SSTable that was verified, as it is done, so that a run that was interrupted goes on
 * where it stopped, and samples know what was verified when.
 *
 *   {"run": 1718000000, "level": "deep"}                                              a run begins
 *   {"sstable": "/…/oa-1-big", "stamp": "…", "level": "deep", "at": 1718000042, "report": {…}}
 *   {"end": 1718003600}                                                               it came to its end
 *
 * A stamp is made of size, time and inode of each component: an SSTable that changed is verified again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { fileError, type Storage } from '../../bytes/source.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import type { Slice } from '../../engine/verify/slice-reader.js';
import type { Level, SSTableReport } from '../../engine/verify/verify-sstable.js';
import { componentPath } from '../../sstable/descriptor.js';

type Line =
  | { readonly run: number; readonly level: Level }
  | {
      readonly sstable: string;
      readonly stamp: string;
      readonly level: Level;
      readonly at: number;
      readonly report: SSTableReport;
    }
  | { readonly end: number };

export class VerifyState {
  /** Verified in the run that did not come to its end, if there is one. */
  private readonly done = new Map<
    string,
    { readonly stamp: string; readonly level: Level; readonly report: SSTableReport }
  >();
  private readonly deepSeconds = new Map<string, { readonly stamp: string; readonly at: number }>();
  private readonly fd: number;
  private readonly file: string;
  readonly isResumed: boolean;

  /** @throws UsageError for a file that is no such state, or can't be written */
  constructor(file: string, level: Level, nowSeconds: number) {
    this.file = file;
    const isOpen = this.read(level);
    try {
      this.fd = fs.openSync(file, 'a');
    } catch (error) {
      throw fileError(error, file);
    }
    this.isResumed = isOpen;
    if (!isOpen) this.append({ run: nowSeconds, level });
  }

  /** Whether the last run in the file, of the same level, is not at its end. */
  private read(level: Level): boolean {
    let isOpen = false;
    for (const line of this.lines()) {
      if ('run' in line) {
        this.done.clear();
        isOpen = line.level === level;
      } else if ('end' in line) {
        this.done.clear();
        isOpen = false;
      } else {
        if (isOpen) this.done.set(line.sstable, line);
        const at = { stamp: line.stamp, at: line.at };
        if (line.level === 'deep') this.deepSeconds.set(line.sstable, at);
        for (const slice of line.report.slices ?? []) this.deepSeconds.set(`${line.sstable} ${nameOf(slice)}`, at);
      }
    }
    if (!isOpen) this.done.clear();
    return isOpen;
  }

  private lines(): Line[] {
    if (!fs.existsSync(this.file)) return [];
    const texts = fs.readFileSync(this.file, 'utf8').split('\n');
    const lines: Line[] = [];
    for (const [i, text] of texts.entries()) {
      if (text === '') continue;
      try {
        lines.push(JSON.parse(text, revive) as Line);
      } catch {
        // an interrupt can cut the last line
        if (i < texts.length - 1 || lines.length === 0)
          throw new UsageError('is no state of lsmctl verify', { file: this.file });
      }
    }
    const [first] = lines;
    if (first && !('run' in first)) throw new UsageError('is no state of lsmctl verify', { file: this.file });
    return lines;
  }

  /** What the run that is being resumed found of an SSTable, if that has not changed. @param slices those that are wanted of it */
  reportOf(
    sstable: string,
    stamp: string,
    level: Level,
    slices: readonly Slice[] | undefined,
  ): SSTableReport | undefined {
    const known = this.done.get(path.resolve(sstable));
    if (!known || known.stamp !== stamp || known.level !== level) return undefined;
    return namesOf(known.report.slices) === namesOf(slices) ? known.report : undefined;
  }

  /** When an SSTable, or that slice of it, was last verified deeply. */
  deeplyVerified(sstable: string, stamp: string, slice?: Slice): number | undefined {
    const file = path.resolve(sstable);
    const times = [this.deepSeconds.get(file), slice && this.deepSeconds.get(`${file} ${nameOf(slice)}`)];
    const known = times.flatMap((one) => (one?.stamp === stamp ? [one.at] : []));
    return known.length > 0 ? Math.max(...known) : undefined;
  }

  add(report: SSTableReport, stamp: string, nowSeconds: number): void {
    this.append({ sstable: path.resolve(report.sstable), stamp, level: report.level, at: nowSeconds, report });
  }

  end(nowSeconds: number): void {
    this.append({ end: nowSeconds });
    fs.closeSync(this.fd);
  }

  private append(line: Line): void {
    try {
      fs.writeSync(this.fd, `${JSON.stringify(line, replace)}\n`);
    } catch (error) {
      throw fileError(error, this.file);
    }
  }
}

function nameOf({ index, of }: Slice): string {
  return `${index + 1}/${of}`;
}

function namesOf(slices: readonly Slice[] = []): string {
  return slices.map(nameOf).join(' ');
}

function replace(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value;
}

function revive(_: string, value: unknown): unknown {
  const hex = (value as { hex?: unknown } | null)?.hex;
  return typeof hex === 'string' && Object.keys(value as object).length === 1
    ? new Uint8Array(Buffer.from(hex, 'hex'))
    : value;
}

export function stampOf(storage: Storage, { descriptor, components }: SSTableFiles): string {
  return components
    .map((component) => {
      const stat = storage.stat(componentPath(descriptor, component));
      return `${component} ${stat?.size} ${stat?.mtimeMillis} ${stat?.inode}`;
    })
    .join(', ');
}
