/**
 * From argv to an exit code. oclif parses, helps and completes; this is the short way in. A word that names one of our commands needs no
 * plugin, so oclif's configuration is loaded without them; help, completion and unknown words take oclif's own way, with all of it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Interfaces } from '@oclif/core';
import type { Config as OclifConfig } from '@oclif/core/config';
import { EXIT, errorObject, errorText, reportOf } from './exit.js';
import { flushQuietly, notice, stdoutSink } from './output.js';

type Manifest = { readonly commands: Readonly<Record<string, ManifestCommand>> };
type ManifestCommand = {
  readonly enableJsonFlag?: boolean;
  readonly relativePath?: readonly string[];
  readonly flags?: Readonly<Record<string, unknown>>;
};

/** The package's own directory: this file is dist/src/cli/main.js. */
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** Words of the longest command name. */
const MAX_WORDS = 3;

type CommandClass = { id: string; run(argv: string[], config: OclifConfig): Promise<unknown> };
/** By a command's id (`commitlog:ls`), what imports its module. */
export type CommandModules = Readonly<Record<string, () => Promise<unknown>>>;

/**
 * Runs the command line `argv` (without node and the script) and returns the exit code; never throws.
 *
 * @param modules the bundle's own commands; without them each is imported from its file
 */
export async function main(argv: readonly string[], modules?: CommandModules): Promise<number> {
  const manifest = readManifest();
  const { id, command } = findCommand(argv, manifest);
  try {
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) printVersion();
    else if (id !== undefined && !asksForHelp(argv)) {
      const load = modules?.[id] ?? (() => import(pathToFileURL(path.join(ROOT, ...command!.relativePath!)).href));
      await runCommand(id, load, argv.slice(id.split(':').length));
    } else await runOclif(argv);
    stdoutSink().flush();
    return Number(process.exitCode ?? EXIT.clean);
  } catch (error) {
    const { withSuggestion } = await import('./suggest.js');
    const known = { commands: Object.keys(manifest?.commands ?? {}), flags: Object.keys(command?.flags ?? {}) };
    const report = withSuggestion(reportOf(error, id?.replaceAll(':', ' ')), argv, known);
    flushQuietly(stdoutSink());
    if (report.quiet) return report.exitCode;
    if (command?.enableJsonFlag && beforeDashes(argv).includes('--json')) notice(JSON.stringify(errorObject(report)));
    else notice(errorText(report).trimEnd());
    return report.exitCode;
  }
}

/** The longest run of leading words that names a command: `commitlog ls` is `commitlog:ls`. */
export function findCommand(
  argv: readonly string[],
  manifest: Manifest | undefined,
): { id?: string; command?: ManifestCommand } {
  for (let n = Math.min(MAX_WORDS, argv.length); manifest && n > 0; n--) {
    const id = argv.slice(0, n).join(':');
    const command = Object.hasOwn(manifest.commands, id) ? manifest.commands[id] : undefined;
    if (command?.relativePath) return { id, command };
  }
  return {};
}

async function runCommand(id: string, load: () => Promise<unknown>, argv: readonly string[]): Promise<void> {
  const [{ Config }, module] = await Promise.all([import('./oclif.js'), load()]);
  const { default: commandClass } = module as { default: CommandClass };
  commandClass.id = id;
  await commandClass.run([...argv], bareConfig(new Config({ root: ROOT })));
}

/** What parsing and printing ask of oclif's configuration. Its own `load` looks for plugins, themes and shells: a tenth of a start. */
function bareConfig(config: OclifConfig): OclifConfig {
  const pjson = readJson<Interfaces.PJSON>('package.json')!;
  const { name, version } = pjson;
  return Object.assign(config, {
    root: ROOT,
    pjson,
    name,
    version,
    bin: 'lsmctl',
    dirname: 'lsmctl',
    topicSeparator: ' ' as const,
    valid: true,
    userAgent: userAgent(name, version),
    rootPlugin: { name, version, root: ROOT, pjson, hooks: {} },
  });
}

async function runOclif(argv: readonly string[]): Promise<void> {
  const { run } = await import('@oclif/core/run');
  await run([...argv], ROOT);
}

/** As oclif's own `--version`. */
function printVersion(): void {
  const { name, version } = readJson<{ name: string; version: string }>('package.json')!;
  stdoutSink().writeText(`${userAgent(name, version)}\n`);
}

function userAgent(name: string, version: string): string {
  return `${name}/${version} ${process.platform}-${process.arch} node-${process.version}`;
}

function asksForHelp(argv: readonly string[]): boolean {
  return beforeDashes(argv).some((word) => word === '--help' || word === '-h');
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('--');
  return at < 0 ? argv : argv.slice(0, at);
}

/** `undefined` before the first build. */
function readManifest(): Manifest | undefined {
  return readJson<Manifest>('oclif.manifest.json');
}

function readJson<T>(name: string): T | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, name), 'utf8')) as T;
  } catch {
    return undefined;
  }
}
