/** Each kind of crash, with the loss that dumps of both logs tell. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dumpLog } from '../../../src/cli/commitlog/dump.js';
import type { DrillFlags } from '../../../src/cli/drill/request.js';
import { runDrill } from '../../../src/cli/drill/run.js';
import type { DrillReport } from '../../../src/engine/drill/report.js';
import { drillText } from '../../../src/render/drill.js';
import { type BuiltSegment, FORMS, type Form } from '../../commitlog/build-segment.js';
import { drillFlags, fingerprint, ID, makeLog } from './made-node.js';

let dir = '';
const kept: string[] = [];
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-drilled-'));
});
afterEach(() => {
  for (const one of [dir, ...kept.splice(0)]) fs.rmSync(one, { recursive: true, force: true });
});

async function drill(more: Partial<DrillFlags>): Promise<DrillReport> {
  const report = await runDrill(dir, drillFlags(dir, { keep: true, ...more }), { notice() {}, isQuiet: true });
  if (report.kept !== undefined) kept.push(report.kept);
  return report;
}

/** Keys and values in a log, in their order: as a node reads it, or all that can be read. */
async function dumped(log: string, isAll: boolean): Promise<string[]> {
  const out = path.join(dir, 'dump');
  const found: string[] = [];
  for (const leftOut of isAll ? [false, true] : [false]) {
    if (!fs.existsSync(log) || fs.readdirSync(log).length === 0) return [];
    const flags = {
      format: 'ndjson',
      schema: path.join(dir, 'schema.cql'),
      now: 0,
      output: out,
      follow: false,
    } as const;
    await dumpLog([log], { ...flags, 'left-out': leftOut }, () => {});
    const lines = fs.readFileSync(out, 'utf8').split('\n');
    found.push(...lines.filter((line) => line !== '').map((line) => textOf(JSON.parse(line))));
    fs.rmSync(out);
  }
  return found;
}

function textOf({ key, cells }: { key: { k: string }; cells: readonly { value: string }[] }): string {
  return `${key.k} ${cells[0]!.value}`;
}

/** What is answered of a log, by key: the last value. */
function answers(writes: readonly string[]): Map<string, string> {
  const order = (write: string) => Number(Buffer.from(write.split(' 0x')[1]!, 'hex').toString().split(' ')[1]);
  return new Map(writes.toSorted((a, b) => order(a) - order(b)).map((write) => write.split(' ') as [string, string]));
}

async function expectLoss(report: DrillReport): Promise<void> {
  const isAll = report.start.replayedAs === 'skip-corrupt';
  const whole = await dumped(path.join(dir, 'commitlog'), false);
  const left = new Set(await dumped(path.join(report.kept!, 'node/commitlog'), isAll));
  const lost = whole.filter((write) => !left.has(write));
  expect(report.loss.writes).toBe(lost.length);
  expect(report.loss.keys).toBe(new Set(lost.map((write) => write.split(' ')[0])).size);
  expect(report.result.replayedMutations).toBe(left.size);
  const [before, after] = [answers(whole), answers([...left])];
  const changed = [...before].filter(([key, value]) => after.get(key) !== value).map(([key]) => key);
  const gone = changed.filter((key) => !after.has(key)).length;
  expect(report.answers).toEqual({ gone, older: changed.length - gone, back: 0, keys: changed.length, notInLog: 0 });
  const times = lost.map((write) => Number(Buffer.from(write.split(' 0x')[1]!, 'hex').toString().split(' ')[1]) / 10);
  const newest = whole.length / 10 - 0.1;
  expect(report.loss.seconds).toBeCloseTo(lost.length === 0 ? 0 : newest - Math.min(...times), 6);
  expect(report.result.isSound).toBe(true);
}

type Crash = (log: readonly BuiltSegment[]) => Partial<DrillFlags>;

const CRASHES: Readonly<Record<string, Crash>> = {
  nothing: () => ({}),
  '--lose-last': () => ({ 'lose-last': '2450ms' }),
  '--lose-last of more than a segment': () => ({ 'lose-last': '6.05s' }),
  '--tear-at in the last segment': ([, , log]) => ({ 'tear-at': [`last:${log!.markers[2]! + 37}`] }),
  '--tear-at in the first segment': ([log]) => ({ 'tear-at': [`${ID}:${log!.markers[1]! + 60}`] }),
  '--drop-segment': () => ({ 'drop-segment': [String(ID + 1)] }),
  '--drop-segment all': () => ({ 'drop-segment': ['all'] }),
  '--flip in the middle': ([, log]) => ({ flip: [`${ID + 1}:${(log!.markers[1]! + 50) * 8 + 3}`] }),
  '--flip random': () => ({ flip: ['random', 'random'], seed: 3 }),
  'several at once': () => ({ 'lose-last': '1.5s', flip: ['first:random'], 'tear-at': ['last:random'], seed: 4 }),
};

/** Plain segments meet every crash, the other forms those that go into what is stored. */
const CASES = FORMS.flatMap((form): { readonly form: Form; readonly crash: string }[] => {
  if (form === 'plain') return Object.keys(CRASHES).map((crash) => ({ form, crash }));
  if (form === 'encrypted') return [];
  return ['--lose-last', '--flip in the middle', 'several at once'].map((crash) => ({ form, crash }));
});

it.each(CASES)('$crash: $form', async ({ form, crash }) => {
  const log = await makeLog(dir, [3, 4, 5], form);
  const report = await drill(CRASHES[crash]!(log));
  await expectLoss(report);
  expect(report.kept).toBeDefined();
  const widest = Math.max(...drillText(report).split('\n').map((line) => line.length)); // biome-ignore format: one line
  expect(widest).toBeLessThanOrEqual(80);
});

describe('what is lost', () => {
  it('is compared between periodic and batch sync', async () => {
    const log = await makeLog(dir, [30]);
    const asked = await drill({ 'lose-last': '3.05s', flip: [`${ID}:${(log[0]!.markers[2]! + 8) * 8}`] });
    const of = (sync: string) => asked.compared.find((one) => one.sync === sync)!.loss;
    // a flipped bit in the size of the first write of a section takes the ten of it; other syncs lose writes of their own
    expect(of('batch').writes).toBe(10);
    expect(of('as-asked').writes).toBe(10 + 31);
    expect(of('periodic').writes).toBe(10 + 100);
    const alone = await drill({ 'lose-last': '3.05s', 'sync-period': '1s' });
    expect(alone.compared.map(({ loss }) => loss.writes)).toEqual([31, 10, 0]);
  });

  it('is judged against limits', async () => {
    await makeLog(dir, [30]);
    const judged = async (more: Partial<DrillFlags>) => {
      const { isPassed, limits } = await drill({ 'lose-last': '3.05s', ...more });
      return [isPassed, ...limits.map(({ kind, isKept }) => `${kind} ${isKept}`)];
    };
    const kept = { 'max-loss': ['3s', '31'], 'max-time': '10m' };
    expect(await judged(kept)).toEqual([true, 'max-loss-seconds true', 'max-loss-writes true', 'max-time true']);
    const crossed = { 'max-loss': ['2.9s', '31', '30'], 'max-time': '0s' };
    expect(await judged(crossed)).toEqual([
      false,
      'max-loss-seconds false',
      'max-loss-writes true',
      'max-loss-writes false',
      'max-time false',
    ]);
  });

  it('is told where a node would stop, and what could still be read', async () => {
    const log = await makeLog(dir, [3, 3]);
    const [bit, lastBit] = log.map(({ markers }) => (markers[1]! + 8) * 8);
    const stopped = await drill({ flip: [`${ID}:${bit}`] });
    expect(stopped.start).toMatchObject({ verdict: 'stops', replayedAs: 'skip-corrupt' });
    expect(stopped.loss.writes).toBe(1);
    expect(drillText(stopped)).toMatch(/A node does NOT start on it by itself/);
    const tolerated = await drill({ flip: [`last:${lastBit}`] });
    expect(tolerated.start).toMatchObject({ verdict: 'tolerates', replayedAs: 'node', stillReadable: 9 });
    expect(tolerated.loss.writes).toBe(10);
    const skipped = await drill({ flip: [`last:${lastBit}`], 'skip-corrupt': true });
    expect(skipped.loss.writes).toBe(1);
  });
});

describe('the original', () => {
  it('is not touched, and nothing is left behind', async () => {
    await makeLog(dir, [3, 4]);
    const before = fingerprint(dir);
    const work = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-work-'));
    kept.push(work);
    for (const crash of [
      { 'lose-last': '1s' },
      { flip: ['random'], 'tear-at': ['random'], seed: 1 },
      { 'drop-segment': ['all'] },
    ]) {
      await runDrill(dir, drillFlags(dir, { ...crash, work }), { notice() {}, isQuiet: true });
      expect(fingerprint(dir)).toBe(before);
      expect(fs.readdirSync(work)).toEqual([]);
    }
    await expect(drill({ 'tear-at': ['77:1'] })).rejects.toThrow(/no such segment/);
    await expect(drill({ work: path.join(dir, 'commitlog') })).rejects.toThrow(/within what is drilled/);
    expect(fingerprint(dir)).toBe(before);
  });
});
