/**
 * Compiles the WebAssembly kernels: NAME.as.ts (AssemblyScript) below src becomes NAME.wasm.ts beside it, the module as base64 text, so that a
 * kernel is loaded, bundled and published like any other code. NAME.lib.as.ts are parts of kernels.
 */
import fs from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--enable', 'bulk-memory'];

const sources = fs
  .readdirSync('src', { recursive: true })
  .filter((name) => name.endsWith('.as.ts') && !name.endsWith('.lib.as.ts'));
for (const name of sources.sort()) {
  const source = path.join('src', name);
  const { error, stderr, binary } = await compile(source);
  if (error) throw new Error(`${source}: ${error.message}\n${stderr}`);
  const base = path.basename(source, '.as.ts');
  const constant = `${base.replaceAll('-', '_').toUpperCase()}_KERNEL`;
  const text = [
    `/** Made of ${base}.as.ts by .build/kernels.js (\`npm run generate\`): ${binary.length} bytes of WebAssembly as base64. */`,
    `export const ${constant} =`,
    `  '${Buffer.from(binary).toString('base64')}';`,
    '',
  ].join('\n');
  fs.writeFileSync(source.replace(/\.as\.ts$/, '.wasm.ts'), text);
}

async function compile(source) {
  let binary;
  const { error, stderr } = await asc.main([source, '--outFile', 'kernel.wasm', ...OPTIONS], {
    readFile: (name, base) => {
      const file = path.join(base, name);
      return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null;
    },
    writeFile: (_, contents) => {
      binary = contents;
    },
    listFiles: () => [],
  });
  return { error, stderr: stderr.toString(), binary };
}
