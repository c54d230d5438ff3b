/** Runs of verify over whole directories: what is told of damage, a run that was interrupted, samples, what other tools read of it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { memorySource, type Storage } from '../../../src/bytes/source.js';
import { type VerifyFlags, verifyPaths } from '../../../src/cli/verify/run.js';
import { throttled } from '../../../src/cli/verify/throttle.js';
import { allFindings, type VerifyReport } from '../../../src/engine/verify/report.js';
import { RULES } from '../../../src/engine/verify/rules.js';
import { jsonText } from '../../../src/render/json.js';
import { verifySarif } from '../../../src/render/verify-sarif.js';
import { verifyText } from '../../../src/render/verify-text.js';
import { FIXTURES } from '../../fixtures.js';

const NOW = 1_900_000_000;
const TABLE = 'orders_by_id';
const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) fs.rmSync(root, { recursive: true, force: true });
});

/** A copy of a table's directory below a data directory of its own. */
function copyTable(): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-verify-'));
  roots.push(root);
  const from = path.join(FIXTURES, 'oa-5.0/data/shop');
  const name = fs.readdirSync(from).find((one) => one.startsWith(`${TABLE}-`))!;
  const directory = path.join(root, 'shop', name);
  fs.cpSync(path.join(from, name), directory, { recursive: true });
  return directory;
}

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at]! ^= 1;
  fs.writeFileSync(file, bytes);
}

const silent = { notice() {}, isQuiet: true };
const verify = (directory: string, flags: Partial<VerifyFlags> = {}, notice: (line: string) => void = () => {}) =>
  verifyPaths([directory], { now: NOW, jobs: 1, ...flags }, { ...silent, notice });

describe('a damaged chunk', () => {
  it('is followed to its partitions, to copies of them, and to what to do', async () => {
    const directory = copyTable();
    const copy = path.join(directory, 'snapshots/nightly');
    const link = path.join(directory, 'snapshots/linked');
    for (const target of [copy, link]) fs.mkdirSync(target, { recursive: true });
    for (const name of fs.readdirSync(directory).filter((one) => one.startsWith('oa-2-'))) {
      fs.copyFileSync(path.join(directory, name), path.join(copy, name));
      fs.linkSync(path.join(directory, name), path.join(link, name));
    }
    flip(path.join(directory, 'oa-2-big-Data.db'), 3000);
    const report = await verify(directory);
    const findings = allFindings(report);
    expect(findings.map(({ rule }) => rule)).toEqual(['data-chunk']);
    const { chain, chunk, plainRange } = findings[0]!;
    expect([chunk, plainRange]).toEqual([0, [0, 16384]]);
    expect(chain?.partitions?.count).toBeGreaterThan(100);
    expect(BigInt(chain!.partitions!.tokens!.after)).toBe(BigInt(chain!.partitions!.first!.token!) - 1n);
    expect(chain?.partitions?.tokens?.upTo).toBe(chain?.partitions?.last?.token);
    expect(chain?.rows).toMatchObject({ of: 329, isExact: false });
    const ofCopies = chain!.elsewhere.filter(({ isCopy }) => isCopy);
    expect(
      ofCopies.map(({ sstable, sharesBytes, readable }) => [
        path.basename(path.dirname(sstable)),
        sharesBytes ?? false,
        readable,
      ]),
    ).toEqual([
      // biome-ignore format: one line
      ['nightly', false, 16],
      ['linked', true, 0],
    ]);
    expect(chain?.elsewhere.some(({ isCopy, readable }) => !isCopy && readable > 0)).toBe(true);
    expect(chain?.next.map((command) => command.split(' ').slice(0, 2).join(' '))).toEqual(['cp -p', 'lsmctl salvage', 'nodetool repair']); // biome-ignore format: one line
    const { after, upTo } = chain!.partitions!.tokens!;
    expect(chain?.next[2]).toBe(`nodetool repair -full -st ${after} -et ${upTo} shop ${TABLE}`);
    const text = verifyText(report, { root: directory }).replaceAll(/\s+/g, ' ');
    expect(text).toContain('is a hard link to the same bytes');
    expect(text).toContain('3 SSTables, 91.1 KiB: 2 sound, 1 with findings');
    expect(report.totals).toMatchObject({ sstables: 3, errors: 1, warnings: 0 });
  });
});

describe('an SSTable that can not be loaded', () => {
  it('does not end the run', async () => {
    const directory = copyTable();
    fs.truncateSync(path.join(directory, 'oa-1-big-Statistics.db'), 3);
    fs.rmSync(path.join(directory, 'oa-2-big-Index.db'));
    const report = await verify(directory, { deep: true });
    const results = report.tables[0]!.sstables.map(({ findings }) => findings.map(({ rule }) => rule));
    expect(results[0]).toContain('statistics');
    expect(results[1]).toContain('component-missing');
    expect(results[2]).toEqual([]);
  });
});

describe('--state', () => {
  it('goes on where a run was interrupted, and begins anew after its end', async () => {
    const directory = copyTable();
    const state = path.join(path.dirname(path.dirname(directory)), 'state.jsonl');
    flip(path.join(directory, 'oa-1-big-Data.db'), 100);
    const notices: string[] = [];
    const first = await verify(directory, { state }, (line) => notices.push(line));
    const lines = fs.readFileSync(state, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    // as if it had been broken off within the line of the third SSTable
    fs.writeFileSync(state, `${lines.slice(0, 3).join('\n')}\n${lines[3]!.slice(0, 40)}`);
    const second = await verify(directory, { state }, (line) => notices.push(line));
    expect(jsonText(second.tables)).toBe(jsonText(first.tables));
    expect(notices.filter((line) => line.startsWith('goes on'))).toHaveLength(1);
    // what changed meanwhile is not taken from the file
    fs.writeFileSync(state, `${lines.slice(0, 4).join('\n')}\n`);
    flip(path.join(directory, 'oa-1-big-Data.db'), 100);
    expect((await verify(directory, { state })).totals.errors).toBe(0);
    const runs = fs
      .readFileSync(state, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"run"'));
    expect(runs).toHaveLength(1);
    await verify(directory, { state });
    expect(
      fs
        .readFileSync(state, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"run"')),
    ).toHaveLength(2);
  });

  it('refuses a file that is something else', async () => {
    const directory = copyTable();
    const state = path.join(directory, 'oa-1-big-TOC.txt');
    await expect(verify(directory, { state })).rejects.toThrow('is no state of lsmctl verify');
  });
});

describe('--sample', () => {
  it('verifies a part deeply and the rest quickly, all of it in turn', async () => {
    const directory = copyTable();
    const state = path.join(path.dirname(path.dirname(directory)), 'state.jsonl');
    const deep: string[] = [];
    for (let night = 0; night < 3; night++) {
      const now = NOW + night * 86400;
      const report = await verify(directory, { state, now, sample: { kind: 'bytes', bytes: 1 } });
      const { sstables } = report.tables[0]!;
      deep.push(...sstables.filter(({ level }) => level === 'deep').map(({ sstable }) => path.basename(sstable)));
      expect(sstables.filter(({ level }) => level === 'quick')).toHaveLength(2);
    }
    expect(deep.sort()).toEqual(['oa-1-big', 'oa-2-big', 'oa-3-big']);
  });
});

describe('--sample of large SSTables', () => {
  const rowsOf = (report: VerifyReport) => report.tables[0]!.sstables.map(({ rows = 0 }) => rows);

  it('takes each row of each slice once in as many nights as there are parts', async () => {
    const directory = copyTable();
    const whole = await verify(directory, { deep: true });
    const nights: number[][] = [];
    for (let part = 1; part <= 5; part++) {
      nights.push(rowsOf(await verify(directory, { sample: { kind: 'part', part, of: 5 }, sliceBytes: 1500 })));
    }
    const sums = rowsOf(whole).map((_, i) => nights.reduce((sum, night) => sum + night[i]!, 0));
    expect(sums).toEqual(rowsOf(whole));
    for (const night of nights) expect(night.filter((rows, i) => rows > 0 && rows < rowsOf(whole)[i]!)).not.toEqual([]);
  });

  it('takes what waits longest, remembers it, and finds what is wrong there', async () => {
    const directory = copyTable();
    const state = path.join(path.dirname(path.dirname(directory)), 'state.jsonl');
    flip(path.join(directory, 'oa-1-big-Data.db'), 200);
    const seen: string[] = [];
    let errors = 0;
    for (let night = 0; night < 40; night++) {
      const sample = { kind: 'bytes', bytes: 3000 } as const;
      const report = await verify(directory, { state, now: NOW + night * 86400, sample, sliceBytes: 1500 });
      errors += report.totals.errors;
      for (const { sstable, slices = [] } of report.tables[0]!.sstables)
        seen.push(...slices.map(({ index, of }) => `${path.basename(sstable)} ${index + 1}/${of}`));
      if (new Set(seen).size < seen.length) break;
    }
    // none is taken twice before each was taken once
    const all = new Set(seen.map((one) => one.replace(/ .*\//, ' of ')));
    const count = [...all].reduce((sum, one) => sum + Number(one.split(' of ')[1]), 0);
    expect(new Set(seen).size).toBe(count);
    expect(errors).toBeGreaterThan(0);
  });
});

describe('SARIF', () => {
  it('names rules, files and places', async () => {
    const directory = copyTable();
    flip(path.join(directory, 'oa-1-big-Digest.crc32'), 0);
    const { runs } = JSON.parse(jsonText(verifySarif(await verify(directory), '1.2.3')));
    expect(runs[0].tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(Object.keys(RULES));
    const [result] = runs[0].results;
    expect(result).toMatchObject({ ruleId: 'digest', level: 'error' });
    expect(runs[0].tool.driver.rules[result.ruleIndex].id).toBe('digest');
    expect(result.locations[0].physicalLocation.artifactLocation.uri).toMatch(/^file:\/\/.*\/oa-1-big-Digest\.crc32$/);
  });
});

describe('--max-rate', () => {
  it('waits for what was read', () => {
    let at = 0;
    const advance = (millis: number) => {
      at += millis;
    };
    const inner: Storage = {
      list: () => [],
      stat: () => undefined,
      open: (file) => memorySource(new Uint8Array(1000), file),
    };
    const storage = throttled(inner, 1000, () => at, advance); // biome-ignore format: one line
    const source = storage.open('x');
    const target = new Uint8Array(1000);
    for (let i = 0; i < 5; i++) source.read(0, target, 0, 1000);
    expect(at).toBeGreaterThan(4900);
    expect(at).toBeLessThan(5100);
  });
});
