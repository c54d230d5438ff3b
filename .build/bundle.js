/**
 * Bundles what the command line runs, in place. A start's time is mostly that of opening and compiling modules: some milliseconds for each file,
 * one for 50 KB.
 *
 *   dist/commands, dist/src/cli/main.js   entries that share chunks in dist/chunks; those that many commands share are joined (`join-chunks.js`)
 *   workers                               one file each, with all that they need
 *
 * The library (dist/src/index.js and what it imports) stays as tsc wrote it, and so does every package but oclif's base class and cli-table3; what
 * oclif needs for help, plugins and spinners is loaded from where oclif lies when it is asked for. The licences of what is in the bundle are written
 * beside it. Nothing is shortened: a stack trace must say something.
 */
import fs from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { joinChunks } from './join-chunks.js';

const WORKER = /(^|[-/])worker\.js$/;

function filesBelow(folder) {
  const names = fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.js'));
  return names.map((name) => path.join(folder, name));
}

/** Our modules find workers and files beside themselves; in a chunk they must still ask from where they stood. */
const keepPlace = {
  name: 'keep-place',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path: file }) => {
      const place = path.relative('dist', file).split(path.sep).join('/');
      if (place.startsWith('..')) return undefined;
      const text = fs.readFileSync(file, 'utf8');
      const contents = text.replaceAll('import.meta.url', `(dist__ + ${JSON.stringify(place)})`);
      return { contents: place.startsWith('commands/') ? importedAtOnce(contents) : contents };
    });
  },
};

/**
 * Commands import what they run when they run, so that help need not load it. Here a command is loaded to be run: what it imports in any case, in
 * statements of its own, comes along, without a further file that only leads to a chunk.
 */
function importedAtOnce(text) {
  const statics = [];
  const late = /^(\s+|(?: {4}| {8})const \{[^}]*\} = await )import\((["'][^"']+["'])\)(,?|;)$/gm;
  const body = text.replace(late, (_, before, file, after) => {
    statics.push(`import * as late${statics.length}__ from ${file};\n`);
    return `${before}late${statics.length - 1}__${after}`;
  });
  return statics.join('') + body;
}

/**
 * oclif's modules require one another at their top, help and plugin loading from the parser too. What tsc writes for an import is only ever
 * used as `name_1.member`, so each can wait until a member is asked for; packages that a command that runs does not need stay where they are.
 */
const lazyOclif = {
  name: 'lazy-oclif',
  setup({ onLoad }) {
    onLoad({ filter: /@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, ({ path: file }) => {
      const text = fs.readFileSync(file, 'utf8');
      const imports = /^const (\w+) = ((?:__importDefault\(|__importStar\()?require\("[^"]+"\)\)?);$/gm;
      const lazy = text.replace(imports, 'const $1 = lazy__(() => $2);');
      return { contents: `${LAZY}\n${lazy.replace(/require\(("[^".:]+")\)/g, outside)}` };
    });
  },
};
const outside = (call, name) => (NEEDED.has(JSON.parse(name)) ? call : `oclif__(${name})`);
/** Packages and modules of Node's that oclif loads whenever a command runs. */
const NEEDED = new Set(['debug', ...builtinModules]);
const LAZY = 'const lazy__ = (load) => { let m; return new Proxy({}, { get: (_, key) => (m ??= load())[key] }); };';

fs.rmSync('dist/chunks', { recursive: true, force: true });
const OPTIONS = {
  outdir: 'dist',
  outbase: 'dist',
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['@oclif/core/run', '@inquirer/prompts', 'hysnappy', 'ora', 'tsx', 'typescript', 'zstd-codec'],
  banner: {
    js: [
      "import { createRequire as createRequire__ } from 'node:module';",
      "import { fileURLToPath as fileURLToPath__ } from 'node:url';",
      "const dist__ = import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/') + 6);",
      'const require = createRequire__(import.meta.url);',
      "const oclif__ = (name) => createRequire__(require.resolve('@oclif/core/package.json'))(name);",
      'const __filename = fileURLToPath__(import.meta.url);',
      "const __dirname = fileURLToPath__(new URL('.', import.meta.url));",
    ].join('\n'),
  },
  plugins: [lazyOclif, keepPlace],
  metafile: true,
  logLevel: 'error',
};
const workers = filesBelow('dist/src').filter((name) => WORKER.test(name));
const commands = filesBelow('dist/commands');
const alone = await build({ ...OPTIONS, entryPoints: workers });
const shared = await build({
  ...OPTIONS,
  entryPoints: [...commands, 'dist/src/cli/main.js'],
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
});
await joinChunks({
  outputs: shared.metafile.outputs,
  always: ['dist/src/cli/main.js'],
  commands,
  banner: `${OPTIONS.banner.js}\n`,
});

const packages = new Set();
for (const input of [alone, shared].flatMap(({ metafile }) => Object.keys(metafile.inputs))) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (match) packages.add(match[1]);
}
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const text = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${text ? fs.readFileSync(path.join(folder, text), 'utf8').trim() : ''}\n`;
});
fs.writeFileSync('dist/chunks/LICENSES.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
