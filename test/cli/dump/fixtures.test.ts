/** Every SSTable of the fixtures against what the real sstabledump and sstablemetadata printed for it. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FIXTURES } from '../../fixtures.js';
import { dumpText, metadataText, steady } from '../../our-tools.js';

function textOf(file: string): string {
  const bytes = fs.readFileSync(file);
  return (file.endsWith('.gz') ? zlib.gunzipSync(bytes) : bytes).toString();
}

/** The recorded texts of a fixture whose name has that ending, each with the Data.db it is of. */
function recorded(fixture: string, ending: string): (readonly [name: string, data: string, golden: string])[] {
  const golden = path.join(FIXTURES, fixture, 'golden');
  return (fs.readdirSync(golden, { recursive: true, encoding: 'utf8' }) as string[])
    .filter((name) => name.includes(ending))
    .sort()
    .map((name) => {
      const data = `${name.slice(0, name.indexOf(ending))}-Data.db`;
      return [data, path.join(FIXTURES, fixture, 'data', data), path.join(golden, name)];
    });
}

describe.each(['oa-5.0', 'da-5.0', 'nb-4.1'])('%s', (fixture) => {
  const now = Number(textOf(path.join(FIXTURES, fixture, 'clock')));

  it('has what is recorded', () => {
    expect(recorded(fixture, '.metadata.txt').length).toBeGreaterThan(110);
    expect(recorded(fixture, '.dump.json').length).toBeGreaterThan(110);
  });

  it.each(recorded(fixture, '.dump.json'))('dump of %s', async (_, data, golden) => {
    expect(await dumpText(data, now)).toBe(textOf(golden));
  });

  it.each(recorded(fixture, '.metadata.txt'))('metadata of %s', (_, data, golden) => {
    const text = metadataText(data, now).replaceAll(`${path.join(FIXTURES, fixture, 'data')}/`, '');
    expect(text).toBe(steady(textOf(golden)));
  });
});
