/**
 * Opens what `npm run build` has bundled, dist/lsmctl.cjs, with what V8 made of its text at an earlier start: reading and compiling three megabytes of
 * JavaScript is otherwise more than half of a start. Kept in one file a command below the user's cache directory, where it may be deleted at any time:
 *
 *   compiled/<command>.<node's version>-<architecture>.<CRC-32 of the bundle, hex>
 *   uint32 LE  0x6c736d63
 *   uint32 LE  CRC-32 of the bundle
 *   uint32 LE  CRC-32 of what follows the header
 *   uint32 LE  bytes of bytecode that the process held when it was written
 *   uint32 LE  CRC-32 of the names of the options that it was written by
 *   bytes      V8's cached data; V8 itself refuses that of another version or of other flags
 *
 * A start by other options, or a day later, may have come to need more, and then writes the file anew: to find that out costs some milliseconds.
 *
 * Compiled code runs unseen, so only a file is taken that belongs to this user and that nobody else may write. Whatever goes wrong here costs time,
 * nothing else. `NODE_DISABLE_COMPILE_CACHE=1` turns it off and `NODE_COMPILE_CACHE=DIR` puts it elsewhere, as they do in Node.
 * The build makes CommonJS of this module (bundle.cjs), which Node opens sooner.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import zlib from 'node:zlib';
import { cacheFolder, makeFolder } from './cache-folder.js';

/** What the bundle's function, of `module`, `require`, `__filename`, `__dirname` and `import()`, exports: `.build/bundle.js` writes it. */
type Bundle = {
  readonly main: (argv: readonly string[], commands: unknown) => Promise<number>;
  readonly commands: unknown;
  /** By the path of a worker's file below dist/. */
  readonly workers: Readonly<Record<string, () => Promise<unknown>>>;
};
/** `file` is where compiled code is kept, if any is; `kept` what served. */
type Loaded = {
  readonly bundle: Bundle;
  readonly script: vm.Script;
  readonly crc: number;
  readonly file: string | undefined;
  readonly kept: Kept | undefined;
};
type Kept = {
  readonly cachedData: Buffer;
  readonly bytecode: number;
  readonly options: number;
  readonly writtenMillis: number;
};

const HEADER = 20;
const MAGIC = 0x6c736d63;
/** A file is written anew where bytecode has grown by more than an eighth. */
const GROWTH = 8;
const COMMAND_WORD = /^[a-z][a-z-]{0,30}$/;
/** That of a start that was killed while it wrote, too. */
const KEPT_NAME = /^[a-z][a-z-]*\.v[\d.]+[\w.-]*\.[\da-f]{1,8}(\.\d+\.tmp)?$/;
/** After which a file goes when another is written. */
const MOST_DAYS = 60;
const DAY_MILLIS = 86_400_000;
const DIST = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const FILE = path.join(DIST, 'lsmctl.cjs');

/** Without it (Node before 20.15) nothing is kept: what can't be checked isn't run. */
const crc32 = (zlib as unknown as { crc32?: (data: Uint8Array) => number }).crc32;

/** Runs the command line `argv` and returns its exit code; where there is no bundle, from the modules as tsc wrote them. */
export async function run(argv: readonly string[]): Promise<number> {
  if (!fs.existsSync(FILE)) return (await import('./main.js')).main(argv);
  const loaded = load(argv[0] ?? '');
  const code = await loaded.bundle.main(argv, loaded.bundle.commands);
  if (code === 0 || code === 1) keep(loaded, optionsOf(argv));
  return code;
}

/** Runs a worker thread's code. @param file its path below dist/; its folder is named as the command, whose compiled code serves it too */
export async function runWorker(file: string): Promise<void> {
  const { bundle } = load(path.basename(path.dirname(file)));
  await bundle.workers[file]!();
}

function load(command: string): Loaded {
  const folder = keptFolder();
  const bytes = fs.readFileSync(FILE);
  const crc = folder ? crc32!(bytes) : 0;
  const file = folder && path.join(folder, nameOf(command, crc));
  const found = file === undefined ? undefined : readKept(file, crc);
  // the build writes ASCII, which is what Latin-1 is decoded as at the speed of memory
  const script = new vm.Script(bytes.toString('latin1'), {
    filename: FILE,
    ...(found && { cachedData: found.cachedData }),
  });
  const exported = { exports: {} as Bundle };
  const body = script.runInThisContext() as (...parameters: unknown[]) => void;
  body(exported, createRequire(FILE), FILE, DIST, (name: string) => import(name));
  return { bundle: exported.exports, script, crc, file, kept: script.cachedDataRejected ? undefined : found };
}

/** Where compiled code is kept; `undefined` where none is to be. */
function keptFolder(): string | undefined {
  const { NODE_DISABLE_COMPILE_CACHE: off, NODE_COMPILE_CACHE: given } = process.env;
  if (!crc32 || off === '1') return undefined;
  const folder = given ? path.resolve(given) : cacheFolder();
  return folder && path.join(folder, 'compiled');
}

function nameOf(command: string, crc: number): string {
  const known = COMMAND_WORD.test(command) ? command : 'options';
  return `${known}.${process.version}-${process.arch}.${crc.toString(16)}`;
}

function readKept(file: string, crc: number): Kept | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0));
    const { uid, mode, mtimeMs: writtenMillis } = fs.fstatSync(fd);
    if (process.geteuid && (uid !== process.geteuid() || mode & 0o022)) return undefined;
    const bytes = fs.readFileSync(fd);
    if (bytes.length < HEADER || bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== crc) return undefined;
    const cachedData = bytes.subarray(HEADER);
    if (bytes.readUInt32LE(8) !== crc32!(cachedData)) return undefined;
    return { cachedData, bytecode: bytes.readUInt32LE(12), options: bytes.readUInt32LE(16), writtenMillis };
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The names of options, and the second word of a command if it has one: what tells most of which code a start runs. */
function optionsOf(argv: readonly string[]): number {
  const isName = (word: string, i: number) => word.startsWith('-') || (i === 1 && COMMAND_WORD.test(word));
  const names = argv.filter(isName).map((word) => word.split('=', 1)[0]!);
  return crc32 ? crc32(Buffer.from([...new Set(names)].sort().join(' '))) : 0;
}

/**
 * Keeps what has been compiled until now, if that is much more than what is kept. V8 may have dropped what a long run used at its start alone; a shorter
 * one then adds it. A flag of V8's against that would cost more than it gives: Node's own compiled modules are refused under other flags.
 */
function keep({ script, crc, file, kept }: Loaded, options: number): void {
  if (!file || (kept?.options === options && Date.now() - kept.writtenMillis < DAY_MILLIS)) return;
  const v8 = createRequire(FILE)('node:v8') as typeof import('node:v8');
  const held = v8.getHeapCodeStatistics().bytecode_and_metadata_size;
  if (kept && held < kept.bytecode + kept.bytecode / GROWTH) {
    if (kept.options === options) seen(file);
    return;
  }
  const cachedData = script.createCachedData();
  const header = Buffer.alloc(HEADER);
  for (const [i, word] of [MAGIC, crc, crc32!(cachedData), held, options].entries()) header.writeUInt32LE(word, 4 * i);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    makeFolder(path.dirname(file));
    fs.writeFileSync(temporary, Buffer.concat([header, cachedData]), { flag: 'wx', mode: 0o600 });
    fs.renameSync(temporary, file);
    removeOld(path.dirname(file));
  } catch {
    try {
      fs.rmSync(temporary, { force: true });
    } catch {
      // what stands in the way of the folder stands in the way of this too
    }
  }
}

/** A file of which no more is needed: by the same options nobody looks again for a day. */
function seen(file: string): void {
  const now = new Date();
  try {
    fs.utimesSync(file, now, now);
  } catch {
    // then the next start looks again
  }
}

/** What other versions of lsmctl and of Node kept; one that is still in use writes its own anew. */
function removeOld(folder: string): void {
  const oldest = Date.now() - MOST_DAYS * DAY_MILLIS;
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    if (!KEPT_NAME.test(name)) continue;
    if (fs.statSync(file).mtimeMs < oldest) fs.rmSync(file);
  }
}
