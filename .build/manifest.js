/**
 * Writes oclif.manifest.json from the compiled commands, as `oclif manifest` does but without its look at the registry for updates: a start
 * then knows commands and flags without loading any. A compiled command whose source is gone is removed first.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Plugin } from '@oclif/core';

for (const name of fs.existsSync('dist/commands') ? fs.readdirSync('dist/commands', { recursive: true }) : []) {
  const source = path.join('commands', name.replace(/\.(d\.ts|js)$/, '.ts'));
  if (/\.(d\.ts|js)$/.test(name) && !fs.existsSync(source)) fs.rmSync(path.join('dist/commands', name));
}

const plugin = new Plugin({
  root: process.cwd(),
  type: 'core',
  isRoot: true,
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
});
await plugin.load();
const { commands, version } = plugin.manifest;
// The sources break lines where they are long, help where the terminal ends; blank lines part paragraphs.
for (const command of Object.values(commands)) {
  command.description = command.description?.replace(/(?<!\n)\n(?![\n ])/g, ' ');
}
const sorted = Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)));
fs.writeFileSync('oclif.manifest.json', `${JSON.stringify({ commands: sorted, version }, null, 2)}\n`);
