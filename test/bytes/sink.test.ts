/** Files written to disk, to memory and to nowhere: the same bytes, and an error that says which file and why. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvariantError, UsageError } from '../../src/bytes/errors.js';
import { CountingOutput, diskOutput, memoryOutput, type OutputStorage } from '../../src/bytes/sink.js';
import { diskStorage, fileError, readWhole } from '../../src/bytes/source.js';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sink-'));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

const KINDS: readonly (readonly [string, () => OutputStorage])[] = [
  ['disk', () => diskOutput],
  ['memory', () => memoryOutput()],
];

describe.each(KINDS)('%s', (_, make) => {
  it('holds all pieces in their order, of every size', () => {
    const sizes = fc.oneof(fc.nat(70), fc.nat(5000), fc.constantFrom(1 << 18, (1 << 18) + 1, 300_000));
    let n = 0;
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 40 }), (lengths) => {
        const output = make();
        const file = path.join(directory, `f${n++}`);
        const sink = output.create(file);
        const expected: Buffer[] = [];
        const scratch = Buffer.alloc(300_010); // written to again at once: a sink must not keep it
        for (const [i, length] of lengths.entries()) {
          scratch.fill(i + 1, 3, 3 + length);
          expected.push(Buffer.from(scratch.subarray(3, 3 + length)));
          sink.write(scratch, 3, 3 + length);
          if (i % 7 === 6) sink.sync();
        }
        const whole = Buffer.concat(expected);
        expect(sink.position).toBe(whole.length);
        sink.close();
        sink.close();
        expect(output.stat(file)?.size).toBe(whole.length);
        expect(whole.equals(readWhole(output, file))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('shows what is synced before the file is closed', () => {
    const output = make();
    const file = path.join(directory, 'f');
    const sink = output.create(file);
    sink.write(Buffer.from('one'));
    sink.write(Buffer.from('two'));
    sink.sync();
    expect(Buffer.from(readWhole(output, file)).toString()).toBe('onetwo');
    sink.write(Buffer.from('three'));
    sink.close();
    expect(Buffer.from(readWhole(output, file)).toString()).toBe('onetwothree');
  });

  it('makes a file once, renames and removes it', () => {
    const output = make();
    const [a, b] = [path.join(directory, 'a'), path.join(directory, 'b')] as const;
    output.create(a).close();
    expect(() => output.create(a)).toThrow(UsageError);
    output.rename(a, b);
    expect(output.list(directory)).toEqual(['b']);
    expect(output.stat(a)).toBeUndefined();
    expect(() => output.rename(a, b)).toThrow(UsageError);
    output.remove(b);
    output.remove(b);
    expect(output.list(directory)).toEqual([]);
    output.syncDirectory(directory);
  });
});

describe('disk', () => {
  it('says which file could not be written, and why', () => {
    const file = path.join(directory, 'missing', 'f');
    expect(() => diskOutput.create(file)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: 'no such file or directory', facts: { file } }),
    );
    const taken = path.join(directory, 'taken');
    fs.writeFileSync(taken, 'x');
    expect(() => diskOutput.create(taken)).toThrow(/is there already/);
    expect(fs.readFileSync(taken, 'utf8')).toBe('x');
    expect(() => diskOutput.makeDirectory(path.join(taken, 'd'))).toThrow(UsageError);
  });

  it.skipIf(!fs.existsSync('/dev/full'))('tells of a full disk, with the file', () => {
    const file = path.join(directory, 'f');
    const sink = diskOutput.create(file);
    sink.write(Buffer.from('some'));
    // every write to this device fails as on a full disk
    const full = fs.openSync('/dev/full', 'w');
    const holder = sink as unknown as { fd: number };
    fs.closeSync(holder.fd);
    holder.fd = full;
    const error = expect.objectContaining({ code: 'USAGE', message: 'no space left on the device', facts: { file } });
    sink.write(Buffer.from('buffered'));
    expect(() => sink.write(Buffer.alloc(1 << 20))).toThrow(error);
    expect(() => sink.write(Buffer.from('x'))).toThrow(error); // there is a gap now
    expect(() => sink.sync()).toThrow(error);
    sink.close();
    const late = diskOutput.create(path.join(directory, 'late'));
    late.write(Buffer.from('a'));
    const lateHolder = late as unknown as { fd: number };
    fs.closeSync(lateHolder.fd);
    lateHolder.fd = fs.openSync('/dev/full', 'w');
    late.write(Buffer.from('b'));
    expect(() => late.close()).toThrow(/no space left/);
    late.close();
  });

  it('begins to bring long files to the disk before it must: one piece at a time, by a descriptor that is closed in the end', () => {
    const done: (() => void)[] = [];
    const begun: number[] = [];
    const spy = vi.spyOn(fs, 'fdatasync').mockImplementation((fd, callback) => {
      begun.push(fd);
      done.push(() => callback(new Error('no such luck')));
    });
    try {
      const sink = diskOutput.create(path.join(directory, 'long'));
      const write = (mebibytes: number) => {
        for (let n = 0; n < mebibytes * 4; n++) sink.write(Buffer.alloc(1 << 18, n));
      };
      write(15);
      expect(begun).toEqual([]);
      write(40); // it has not been told yet that the first is done
      expect(begun.length).toBe(1);
      done[0]!();
      write(20);
      const [fd] = begun as [number];
      expect(begun).toEqual([fd, fd]);
      sink.sync();
      sink.close();
      expect(fs.fstatSync(fd).size).toBe(75 << 20);
      done[1]!();
      expect(() => fs.fstatSync(fd)).toThrow('EBADF');
    } finally {
      spy.mockRestore();
    }
  });

  it('refuses to write to a closed file: a bug of ours', () => {
    const sink = diskOutput.create(path.join(directory, 'f'));
    sink.close();
    expect(() => sink.write(Buffer.from('x'))).toThrow(InvariantError);
  });

  it('makes directories with those above, and knows free space', () => {
    const deep = path.join(directory, 'a', 'b', 'c');
    diskOutput.makeDirectory(deep);
    diskOutput.makeDirectory(deep);
    expect(fs.statSync(deep).isDirectory()).toBe(true);
    expect(diskOutput.freeBytes(deep)).toBeGreaterThan(0);
    expect(diskOutput.freeBytes(path.join(directory, 'missing'))).toBeUndefined();
  });

  it.each([
    ['EDQUOT', 'the disk quota is used up'],
    ['EROFS', 'is on a read-only file system'],
    ['EXDEV', 'lies on another file system'],
  ])('puts %s into words', (code, message) => {
    expect(fileError(Object.assign(new Error('x'), { code }), '/f').message).toBe(message);
  });
});

describe('counting', () => {
  it('writes nothing and knows how much it would be', () => {
    const output = new CountingOutput(diskStorage);
    const file = path.join(directory, 'f');
    const sink = output.create(file);
    sink.write(Buffer.alloc(10), 2, 9);
    sink.write(Buffer.alloc(1000));
    sink.sync();
    sink.close();
    expect(sink.position).toBe(1007);
    expect(() => output.create(file)).toThrow(UsageError);
    output.create(`${file}2`).write(Buffer.alloc(5));
    output.rename(`${file}2`, `${file}3`);
    expect([...output.sizes]).toEqual([
      [file, 1007],
      [`${file}3`, 5],
    ]);
    expect(output.bytesWritten).toBe(1012);
    expect(output.stat(`${file}3`)?.size).toBe(5);
    output.remove(file);
    expect(output.bytesWritten).toBe(5);
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});

describe('the owner', () => {
  const isRoot = process.getuid?.() === 0;

  it('of what root makes is that of the directory; anybody else makes their own', () => {
    if (isRoot) fs.chownSync(directory, 12_345, 54_321);
    const { uid, gid } = fs.statSync(directory);
    const made = path.join(directory, 'keyspace', 'table', 'backups');
    diskOutput.makeDirectory(made);
    diskOutput.create(path.join(made, 'f')).close();
    for (const file of ['keyspace', 'keyspace/table', 'keyspace/table/backups', 'keyspace/table/backups/f']) {
      const stat = fs.statSync(path.join(directory, file));
      expect([stat.uid, stat.gid]).toEqual([uid, gid]);
    }
    diskOutput.makeDirectory(made);
    expect(uid).toBe(isRoot ? 12_345 : process.getuid?.());
  });
});
