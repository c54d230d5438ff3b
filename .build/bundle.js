/**
 * Bundles what the command line runs, in place: dist/commands, dist/src/cli/main.js and the workers become entries that share chunks in
 * dist/chunks. A start then opens a dozen files and not two hundred, which is half of its time. The library (dist/src/index.js and what it
 * imports) stays as tsc wrote it, and so does every package but oclif's base class and cli-table3. The licences of what is in the bundle are
 * written beside it. Nothing is shortened: a stack trace must say something.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

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
      return { contents: text.replaceAll('import.meta.url', `(dist__ + ${JSON.stringify(place)})`) };
    });
  },
};

/**
 * oclif's modules require one another at their top, help and plugin loading from the parser too. What tsc writes for an import is only ever
 * used as `name_1.member`, so each can wait until a member is asked for.
 */
const lazyOclif = {
  name: 'lazy-oclif',
  setup({ onLoad }) {
    onLoad({ filter: /@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, ({ path: file }) => {
      const text = fs.readFileSync(file, 'utf8');
      const imports = /^const (\w+) = ((?:__importDefault\(|__importStar\()?require\("[^"]+"\)\)?);$/gm;
      return { contents: `${LAZY}\n${text.replace(imports, 'const $1 = lazy__(() => $2);')}` };
    });
  },
};
const LAZY = 'const lazy__ = (load) => { let m; return new Proxy({}, { get: (_, key) => (m ??= load())[key] }); };';

fs.rmSync('dist/chunks', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [
    ...filesBelow('dist/commands'),
    'dist/src/cli/main.js',
    ...filesBelow('dist/src').filter((name) => WORKER.test(name)),
  ],
  outdir: 'dist',
  outbase: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  allowOverwrite: true,
  bundle: true,
  splitting: true,
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
      'const __filename = fileURLToPath__(import.meta.url);',
      "const __dirname = fileURLToPath__(new URL('.', import.meta.url));",
    ].join('\n'),
  },
  plugins: [lazyOclif, keepPlace],
  metafile: true,
  logLevel: 'error',
});

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
fs.writeFileSync('dist/chunks/LICENSES.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
