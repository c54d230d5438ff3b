/**
 * Bundles what the command line runs into one file, dist/lsmctl.cjs: main, every command and what the worker threads run, each part run when it is
 * first asked for. A start's time is otherwise mostly that of opening and compiling modules; of this file, compiled code is kept (`src/cli/bundle.ts`).
 *
 *   dist/lsmctl.cjs          one function, as Node makes of CommonJS; its exports are named in src/cli/bundle.ts; ASCII
 *   dist/src/cli/bundle.cjs  what opens it
 *   dist/…/worker.cjs        where a worker's module stood, what `new Worker` is given: opens the bundle
 *   dist/LICENSES.txt        the licences of the packages in the bundle
 *
 * All else in dist/ stays as tsc wrote it: the library (dist/src/index.js and what it imports), and the modules that bin/run.js takes where there is no
 * bundle. So does every package but oclif's base class, cli-table3 and yaml; what oclif needs for help, plugins and spinners is loaded from where oclif
 * lies when it is asked for. White space goes, for it would be read at every start; names stay, for a stack trace must say something.
 */
import fs from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';

/** Stay packages of their own, loaded when they are asked for. */
const EXTERNAL = ['@oclif/core/run', '@inquirer/prompts', 'hysnappy', 'ora', 'tsx', 'typescript', 'zstd-codec'];
const WORKER = /(^|[-/])worker\.js$/;
/** Where a line is broken: a stack trace tells lines. */
const LINE = 120;
const COMMON_JS = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
/** What is not bundled may be an ES module, which must not become `require`. */
const IMPORT_OF_ANOTHER = /\bimport\((?!'\.)/g;
const NEW_WORKER = /new URL\('(\.\/(?:\w+-)?worker)\.js', import\.meta\.url\)/g;

function filesBelow(folder) {
  const names = fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.js'));
  return names.map((name) => path.posix.join(folder, name.split(path.sep).join('/'))).sort();
}

/**
 * Our modules as CommonJS, so that V8 knows of a module that no start has run no more than where it begins and ends: of ES modules esbuild makes one
 * scope, whose functions are all made and kept at every start. They find workers and files beside themselves, and must still ask from where they stood.
 * The namespace is for esbuild not to take them for ES modules, as our package.json says of dist/.
 */
const ourModules = {
  name: 'our-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path: name, resolveDir }) => {
      const file = path.relative('.', path.resolve(resolveDir, name));
      return file.startsWith('dist') ? { path: file, namespace: 'dist' } : undefined;
    });
    onLoad({ filter: /\.js$/, namespace: 'dist' }, ({ path: file }) => {
      const place = path.relative('dist', file).split(path.sep).join('/');
      const text = fs.readFileSync(file, 'utf8').replaceAll(NEW_WORKER, "new URL('$1.cjs', import.meta.url)");
      const placed = text.replaceAll('import.meta.url', `(dist__ + ${JSON.stringify(place)})`);
      const asked = placed.replaceAll(IMPORT_OF_ANOTHER, 'import__(');
      const contents = ts.transpileModule(asked, { compilerOptions: COMMON_JS }).outputText;
      return { contents, resolveDir: path.dirname(file) };
    });
  },
};

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
      const quiet = lazy.replace('require("debug")', QUIET);
      return { contents: `${LAZY}\n${quiet.replace(/require\(("[^".:]+")\)/g, outside)}` };
    });
  },
};
const outside = (call, name) => (NEEDED.has(JSON.parse(name)) ? call : `oclif__(${name})`);
/** Packages and modules of Node's that oclif loads whenever a command runs. */
const NEEDED = new Set(['debug', ...builtinModules]);
/** What `debug` is where nobody asks for what it tells: its own module loads those of terminals and networks. */
const QUIET = 'process.env.DEBUG === undefined ? () => () => {} : require("debug")';
const LAZY = 'const lazy__ = (load) => { let m; return new Proxy({}, { get: (_, key) => (m ??= load())[key] }); };';

const workers = filesBelow('dist/src').filter((name) => WORKER.test(name));
const importing = (files, nameOf) =>
  files.map((file) => `${JSON.stringify(nameOf(file))}: () => import('./${path.posix.relative('dist', file)}')`);
const commandId = (file) => path.posix.relative('dist/commands', file).slice(0, -'.js'.length).replaceAll('/', ':');
const entry = [
  "export { main } from './src/cli/main.js';",
  `export const commands = { ${importing(filesBelow('dist/commands'), commandId).join(', ')} };`,
  `export const workers = { ${importing(workers, (file) => path.posix.relative('dist', file)).join(', ')} };`,
];
const { outputFiles, metafile } = await build({
  stdin: { contents: entry.join('\n'), resolveDir: 'dist', sourcefile: 'dist/entry.js' },
  write: false,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  charset: 'ascii',
  minifyWhitespace: true,
  lineLimit: LINE,
  external: EXTERNAL,
  banner: {
    js: [
      "const dist__ = require('node:url').pathToFileURL(__dirname).href + '/';",
      "const oclif__ = (name) => require('node:module').createRequire(require.resolve('@oclif/core/package.json'))(name);",
    ].join('\n'),
  },
  plugins: [lazyOclif, ourModules],
  metafile: true,
  logLevel: 'error',
});
// bundle.ts reads it as Latin-1: what is not ASCII, in comments and regular expressions, becomes an escape as in texts
const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
const text = outputFiles[0].text.replaceAll(/[^\0-\x7f]/g, escaped);
const head = "(function (module, require, __filename, __dirname, import__) { 'use strict';";
fs.writeFileSync('dist/lsmctl.cjs', `${head}\n${text}\n})`);
await build({
  entryPoints: ['dist/src/cli/bundle.js'],
  outfile: 'dist/src/cli/bundle.cjs',
  bundle: true,
  external: ['./main.js'],
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  define: { 'import.meta.url': 'url__' },
  banner: { js: "const url__ = require('node:url').pathToFileURL(__filename).href;" },
});
for (const worker of workers) {
  const name = path.posix.relative('dist', worker);
  const loader = path.posix.relative(path.posix.dirname(worker), 'dist/src/cli/bundle.cjs');
  const call = `require(${JSON.stringify(`./${loader}`)}).runWorker(${JSON.stringify(name)});`;
  fs.writeFileSync(worker.replace(/\.js$/, '.cjs'), `${call}\n`);
}

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (match) packages.add(match[1]);
}
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const text = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${text ? fs.readFileSync(path.join(folder, text), 'utf8').trim() : ''}\n`;
});
fs.writeFileSync('dist/LICENSES.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
