/**
 * `node copy-bytes.mjs DIRECTORY BYTES FILE`: reads every Data.db and index of the directory, then writes BYTES of what it read to FILE and syncs
 * it: what a compaction of them costs the disk and the kernel alone. Sequential, in pieces of 1 MiB, one thread.
 */
import fs from 'node:fs';
import path from 'node:path';

const [directory, bytes, output] = process.argv.slice(2);
const piece = Buffer.allocUnsafeSlow(1 << 20);
for (const name of fs.readdirSync(directory)) {
  if (!/-(Data|Index|Partitions|Rows)\.db$/.test(name)) continue;
  const fd = fs.openSync(path.join(directory, name), 'r');
  while (fs.readSync(fd, piece, 0, piece.length, null) > 0);
  fs.closeSync(fd);
}
const fd = fs.openSync(output, 'w');
for (let left = Number(bytes); left > 0; left -= piece.length) {
  fs.writeSync(fd, piece, 0, Math.min(left, piece.length));
}
fs.fsyncSync(fd);
fs.closeSync(fd);
