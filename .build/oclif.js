/**
 * Bundles dist/src/cli/oclif.js in place: oclif's parser and base class in one file, so that a start opens one file and not a hundred.
 * The licences of what is in it are written beside it. TypeScript, which oclif can use in development, stays outside.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const file = 'dist/src/cli/oclif.js';
const { metafile } = await build({
  entryPoints: [file],
  outfile: file,
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['typescript', 'tsx'],
  banner: {
    js: [
      "import { createRequire as createRequire__ } from 'node:module';",
      "import { fileURLToPath as fileURLToPath__ } from 'node:url';",
      'const require = createRequire__(import.meta.url);',
      'const __filename = fileURLToPath__(import.meta.url);',
      "const __dirname = __filename.replace(/[\\\\/][^\\\\/]*$/, '');",
    ].join('\n'),
  },
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
fs.writeFileSync('dist/src/cli/oclif.LICENSES.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
