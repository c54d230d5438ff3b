/** The corpus of real files beside the checkout. Tests that need it skip politely where it is absent, but not in CI. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';

export const CORPUS = path.resolve(fileURLToPath(new URL('.', import.meta.url)), '../../shared/corpus');

export const KITCHENS = ['kitchen-oa-1', 'kitchen-da-1', 'kitchen-nb-1'] as const;

/** Whether the corpus is there. @throws in CI where it is not */
export function hasCorpus(): boolean {
  const there = fs.existsSync(path.join(CORPUS, 'README.md'));
  if (!there && process.env.CI) throw new Error(`the corpus is missing: ${CORPUS}`);
  return there;
}

/** What a restarted node answered of a kitchen's table, `SELECT JSON *`: sorted lines. */
export function viewOf(kitchen: string, table: string): string[] {
  const file = path.join(CORPUS, kitchen, 'view', `${table}.jsonl`);
  const bytes = fs.existsSync(file) ? fs.readFileSync(file) : gunzipSync(fs.readFileSync(`${file}.gz`));
  return sortedLines(bytes.toString('utf8'));
}

export function sortedLines(text: string): string[] {
  return text.split('\n').filter(Boolean).sort();
}

/** Paths, relative to the corpus and sorted, of all files below `folders` whose name ends with `suffix`. */
export function corpusFiles(suffix: string, folders: readonly string[]): string[] {
  if (!hasCorpus()) return [];
  return folders
    .flatMap((folder) =>
      fs.readdirSync(path.join(CORPUS, folder), { recursive: true, encoding: 'utf8' }).map((f) => path.join(folder, f)),
    )
    .filter((file) => file.endsWith(suffix))
    .sort();
}

export function readCorpus(file: string): Buffer {
  return fs.readFileSync(path.join(CORPUS, file));
}

/** A text of test/golden. */
export function readGolden(file: string): string {
  return fs.readFileSync(fileURLToPath(new URL(`golden/${file}`, import.meta.url)), 'utf8');
}

/** Compares with a text of test/golden; with UPDATE_GOLDEN=1 it is written anew, for a reviewer to read the difference. */
export function expectGolden(file: string, text: string): void {
  const target = fileURLToPath(new URL(`golden/${file}`, import.meta.url));
  if (process.env.UPDATE_GOLDEN) {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  }
  expect(text).toBe(readGolden(file));
}
