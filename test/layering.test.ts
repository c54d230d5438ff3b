/**
 * The layers: each imports only those before it. Library code takes storage, clock and streams as arguments, so it names none of them.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './run-cli.js';

/** Folder → rank. Equal ranks (but for the same folder) may not import each other. The engine asks commit logs, which know nothing of it. */
const RANK: Readonly<Record<string, number>> = {
  bytes: 0,
  codec: 1,
  cql: 2,
  sstable: 3,
  commitlog: 4,
  engine: 5,
  render: 6,
  cli: 7,
  commands: 8,
};

/** Files that may open, list or write files themselves. All else takes a `Storage`. */
const MAY_USE_FS = [/^src\/bytes\/(source|sink)\.ts$/, /^src\/cli\//, /^src\/engine\/.*writer.*\.ts$/];

/** The public library: gathers, and hands in the real storage. */
const ENTRY = 'src/index.ts';

const FORBIDDEN_IN_LIBRARY: readonly [string, RegExp][] = [
  ['the clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/],
  ['randomness', /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/],
  ['the environment', /\bprocess\.(env|argv|cwd|exit|stdout|stderr|stdin|platform)\b/],
  ['the console', /\bconsole\./],
];

function sourceFiles(folder: string): string[] {
  const found = fs.existsSync(path.join(ROOT, folder))
    ? fs.readdirSync(path.join(ROOT, folder), { recursive: true })
    : [];
  return found
    .map((name) => path.posix.join(folder, String(name).split(path.sep).join('/')))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .sort();
}

function layerOf(file: string): string {
  return file.startsWith('commands/') ? 'commands' : file.split('/')[1]!;
}

/** Module names of import, export … from, import() and new URL(…, import.meta.url). */
function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const pattern =
    /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]|\bnew URL\(\s*['"]([^'"]+)['"]\s*,\s*import\.meta/g;
  return [...code.matchAll(pattern)].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

/** `text` without comments; a `//` within a string stays only as far as it doesn't look like one, which is enough here. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;{}(,])\/\/.*$/gm, '$1');
}

/** What is wrong with `file`, a sentence each. */
function violations(file: string, text: string): string[] {
  const wrong: string[] = [];
  const layer = layerOf(file);
  const isLibrary = file.startsWith('src/') && layer !== 'cli' && file !== ENTRY;
  const rank = RANK[layer];
  if (rank === undefined && file !== ENTRY) wrong.push(`${file}: folder ${layer} is no layer`);
  for (const name of importsOf(text)) {
    if (/^(node:)?fs(\/promises)?$/.test(name)) {
      if (!MAY_USE_FS.some((pattern) => pattern.test(file))) wrong.push(`${file}: imports ${name}; take a Storage`);
    } else if (!name.startsWith('.')) {
      if (isLibrary && /^(@oclif|ora$|@inquirer)/.test(name))
        wrong.push(`${file}: imports ${name}, which is for src/cli`);
    } else {
      const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), name));
      const targetLayer = layerOf(target);
      if (target === 'src/index.js' || (RANK[targetLayer] ?? 99) > (rank ?? 99))
        wrong.push(`${file}: imports ${target}, a later layer`);
      else if (targetLayer !== layer && RANK[targetLayer] === rank)
        wrong.push(`${file}: imports ${target}, a layer beside it`);
    }
  }
  if (isLibrary) {
    const code = withoutComments(text);
    for (const [what, pattern] of FORBIDDEN_IN_LIBRARY) {
      const match = pattern.exec(code);
      if (match) wrong.push(`${file}: reads ${what} (${match[0]}); take it as an argument`);
    }
  }
  if (/\bprocess\.exit\(/.test(withoutComments(text))) wrong.push(`${file}: calls process.exit; return or throw`);
  return wrong;
}

describe('layers', () => {
  const files = [...sourceFiles('src'), ...sourceFiles('commands')];

  it('finds the sources', () => {
    expect(files).toContain('src/bytes/cursor.ts');
    expect(files).toContain('src/cli/exit.ts');
  });

  it('are kept by every file', () => {
    expect(files.flatMap((file) => violations(file, fs.readFileSync(path.join(ROOT, file), 'utf8')))).toEqual([]);
  });

  it.each([
    ['src/sstable/x.ts', "import { a } from '../engine/y.js';"],
    ['src/commitlog/x.ts', "import type { a } from '../engine/y.js';"],
    ['src/sstable/x.ts', "import fs from 'node:fs';"],
    ['src/sstable/x.ts', "import {\n  a,\n  b,\n} from '../cli/y.js';"],
    ['src/sstable/x.ts', "const m = await import('../cli/y.js');"],
    ['src/cql/x.ts', "export { a } from '../sstable/y.js';"],
    ['src/engine/x.ts', "import ora from 'ora';"],
    ['src/engine/x.ts', 'const now = Date.now();'],
    ['src/render/x.ts', 'const now = new Date();'],
    ['src/codec/x.ts', 'console.log(1);'],
    ['src/codec/x.ts', 'if (process.env.DEBUG) f();'],
    ['commands/x.ts', 'process.exit(1);'],
    ['commands/x.ts', "import fs from 'node:fs';"],
    ['src/odd/x.ts', ''],
  ])('would find the fault in %s: %s', (file, text) => {
    expect(violations(file, text)).toHaveLength(1);
  });

  it.each([
    ['src/sstable/x.ts', "import { a } from '../cql/y.js';\nimport zlib from 'node:zlib';"],
    ['src/render/x.ts', 'new Date(seconds * 1000) // not Date.now()'],
    ['commands/commitlog/x.ts', "import { a } from '../../src/cli/y.js';"],
  ])('would let %s pass: %s', (file, text) => {
    expect(violations(file, text)).toEqual([]);
  });
});
