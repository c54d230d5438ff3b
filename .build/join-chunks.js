/**
 * Joins chunks that esbuild has split: where two dozen commands share code, it makes a chunk for every set of commands that some module serves, and
 * most are of a few kilobytes. Opening one costs as much as compiling some ten thousand bytes, so chunks become one file, `chunks/shared-N.js`,
 * where that costs all commands together less, though some load what they don't need.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

/** Bytes of code that compile in the time that a further file takes. */
const FILE_BYTES = 40_000;
const IMPORT = /^import (?:\{([^}]*)\} from )?"(\.{1,2}\/[^"]+)";\n/gm;

/**
 * @param outputs of esbuild's metafile: files that are on the disk
 * @param always entries that are loaded before each of `commands`
 * @param banner with which each file begins
 */
export async function joinChunks({ outputs, always, commands, banner }) {
  const texts = new Map(Object.keys(outputs).map((file) => [file, fs.readFileSync(file, 'utf8')]));
  const groups = groupsOf(outputs, loadersOf(outputs, always, commands)).filter(({ files }) => files.length > 1);
  for (const [i, { files }] of groups.entries()) {
    const to = `dist/chunks/shared-${i + 1}.js`;
    const text = await join(files, outputs, texts, banner);
    for (const file of files) {
      texts.delete(file);
      fs.rmSync(file);
    }
    texts.set(to, text);
    for (const [file, own] of texts) texts.set(file, redirect(file, own, { joined: files, to, banner }));
  }
  for (const [file, text] of texts) fs.writeFileSync(file, text);
}

/** Of each chunk, which commands load it; those that are imported when they are needed are left out. */
function loadersOf(outputs, always, commands) {
  const imports = (file, kind) => outputs[file].imports.filter((one) => one.kind === kind && outputs[one.path]);
  const late = new Set(Object.keys(outputs).flatMap((file) => imports(file, 'dynamic-import').map((one) => one.path)));
  const loaders = new Map();
  for (const command of commands) {
    const seen = new Set([...always, command]);
    for (const file of seen) for (const one of imports(file, 'import-statement')) seen.add(one.path);
    for (const file of seen) {
      if (outputs[file].entryPoint || late.has(file)) continue;
      if (!loaders.has(file)) loaders.set(file, new Set());
      loaders.get(file).add(command);
    }
  }
  return loaders;
}

/** Joins the two groups that gain most, as long as any do and no group then imports another in a circle. */
function groupsOf(outputs, loaders) {
  let groups = [...loaders].map(([file, commands]) => ({ files: [file], commands, bytes: outputs[file].bytes }));
  const refused = new Set();
  for (;;) {
    let best;
    for (const [i, a] of groups.entries()) {
      for (const b of groups.slice(i + 1)) {
        const gain = gainOf(a, b);
        if (gain > (best?.gain ?? 0) && !refused.has(nameOf(a, b))) best = { gain, a, b };
      }
    }
    if (!best) return groups;
    const { a, b } = best;
    const both = {
      files: [...a.files, ...b.files],
      commands: new Set([...a.commands, ...b.commands]),
      bytes: a.bytes + b.bytes,
    };
    const next = [...groups.filter((one) => one !== a && one !== b), both];
    if (isCircular(outputs, next, both)) refused.add(nameOf(a, b));
    else groups = next;
  }
}

const nameOf = (a, b) => `${a.files} ${b.files}`;

/** Of all commands together, in bytes of code. */
function gainOf(a, b) {
  const cost = (bytes, commands) => (FILE_BYTES + bytes) * commands;
  const together = new Set([...a.commands, ...b.commands]).size;
  return cost(a.bytes, a.commands.size) + cost(b.bytes, b.commands.size) - cost(a.bytes + b.bytes, together);
}

/** Whether what `group` imports leads back to it. */
function isCircular(outputs, groups, group) {
  const home = new Map(groups.flatMap((one) => one.files.map((file) => [file, one])));
  const seen = new Set();
  const visit = (one) => {
    for (const file of one.files ?? [one]) {
      for (const { kind, path: imported } of outputs[file]?.imports ?? []) {
        if (kind !== 'import-statement') continue;
        const next = home.get(imported) ?? imported;
        if (next === one || seen.has(next)) continue;
        if (next === group) return true;
        seen.add(next);
        if (visit(next)) return true;
      }
    }
    return false;
  };
  return visit(group);
}

/** One text of chunks, which exports all that they do, by their names and numbers. */
async function join(joined, outputs, texts, banner) {
  const inside = (file) => path.resolve('dist/chunks', path.basename(file));
  const lines = joined.map((file, i) => {
    const names = outputs[file].exports.map((name) => `${name} as ${name}_${i}`);
    return `${names.length > 0 ? `export { ${names.join(', ')} } from` : 'import'} './${path.basename(file)}';`;
  });
  const byPath = new Map(joined.map((file) => [inside(file), texts.get(file).replace(banner, '')]));
  const inMemory = {
    name: 'in-memory',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path: imported }) => {
        const file = inside(imported);
        return byPath.has(file) ? { path: file } : { path: imported, external: true };
      });
      onLoad({ filter: /\.js$/ }, ({ path: file }) => ({ contents: byPath.get(file) }));
    },
  };
  const { outputFiles } = await build({
    stdin: { contents: lines.join('\n'), resolveDir: 'dist/chunks' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    banner: { js: banner },
    plugins: [inMemory],
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

/** The text of a file that imports from `to` what it has imported from chunks that are joined there. */
function redirect(file, text, { joined, to, banner }) {
  const place = path.relative(path.dirname(file), to);
  const from = place.startsWith('.') ? place : `./${place}`;
  const bare = `import "${from}";\n`;
  const redirected = text.replace(IMPORT, (line, names, imported) => {
    const number = joined.indexOf(path.join(path.dirname(file), imported));
    if (number < 0) return line;
    if (names === undefined) return bare;
    const list = names.split(',').map((name) => {
      const [theirs, ours = theirs] = name.trim().split(/ as /);
      return `${theirs}_${number} as ${ours}`;
    });
    return `import { ${list.join(', ')} } from "${from}";\n`;
  });
  return redirected.includes(bare) ? redirected.replaceAll(bare, '').replace(banner, banner + bare) : redirected;
}
