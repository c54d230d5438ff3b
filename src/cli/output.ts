/**
 * Where data goes: stdout, or the file of `--output`. Bytes, synchronous: at hundreds of megabytes a second a stream's queue would only grow,
 * and an error must stop the command at the write that met it.
 */
import fs from 'node:fs';
import { UsageError } from '../bytes/errors.js';
import { fileError } from '../bytes/source.js';
import { withCleanUp } from './interrupt.js';

/** Takes bytes in order. What `write` is given may be reused by the caller as soon as it returns. */
export interface Sink {
  write(bytes: Uint8Array): void;
  writeText(text: string): void;
  flush(): void;
  /** All is written: flushes, and makes an output file appear under its name. */
  commit(): void;
  /** The command failed: an unfinished output file is removed. What went to stdout stays. */
  discard(): void;
}

const BUFFER_BYTES = 1 << 16;

/** Longest pause, in milliseconds, between two tries while the reader of a pipe is slower than we are. */
const MAX_PAUSE_MILLIS = 4;

/**
 * Buffers small writes and passes large ones through. A pipe may be non-blocking, so a write may be partial (go on) or get EAGAIN (wait a
 * little). @throws EPIPE as node gives it (`exit.ts` ends quietly then), UsageError for every other failure
 */
export class StdoutSink implements Sink {
  protected readonly fd: number;
  protected readonly name: string;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private used = 0;

  constructor(fd = 1, name = 'stdout') {
    this.fd = fd;
    this.name = name;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_BYTES - this.used) this.flush();
    if (bytes.length >= BUFFER_BYTES) {
      this.writeAll(bytes, bytes.length);
      return;
    }
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  writeText(text: string): void {
    this.write(Buffer.from(text, 'utf8'));
  }

  flush(): void {
    const length = this.used;
    this.used = 0;
    if (length > 0) this.writeAll(this.buffer, length);
  }

  commit(): void {
    this.flush();
  }

  discard(): void {
    this.used = 0;
  }

  private writeAll(bytes: Uint8Array, length: number): void {
    let done = 0;
    let pause = 0.05;
    while (done < length) {
      try {
        done += fs.writeSync(this.fd, bytes, done, length - done);
        pause = 0.05;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === 'EPIPE') throw error;
        if (code !== 'EAGAIN' && code !== 'EINTR') throw fileError(error, this.name);
        sleep(pause);
        pause = Math.min(pause * 2, MAX_PAUSE_MILLIS);
      }
    }
  }
}

/** A file that is written beside its name and gets it only when all is there. */
class FileSink extends StdoutSink {
  private readonly target: string;
  private isOpen = true;

  constructor(target: string) {
    const temporary = `${target}.${process.pid}.tmp`;
    super(openNew(temporary, target), temporary);
    this.target = target;
  }

  override commit(): void {
    this.flush();
    try {
      const there = fs.statSync(this.target, { throwIfNoEntry: false });
      if (there) fs.fchmodSync(this.fd, there.mode & 0o777);
      fs.fsyncSync(this.fd);
      this.close();
      fs.renameSync(this.name, this.target);
    } catch (error) {
      throw fileError(error, this.target);
    }
  }

  override discard(): void {
    super.discard();
    this.close();
    fs.rmSync(this.name, { force: true });
  }

  private close(): void {
    if (this.isOpen) fs.closeSync(this.fd);
    this.isOpen = false;
  }
}

/** A device, FIFO or socket that is there already: written as it is, since a file renamed over `/dev/null` would take its place for everybody. */
class DeviceSink extends StdoutSink {
  constructor(target: string) {
    super(openThere(target), target);
  }

  override commit(): void {
    this.flush();
    fs.closeSync(this.fd);
  }

  override discard(): void {
    super.discard();
    fs.closeSync(this.fd);
  }
}

let shared: StdoutSink | undefined;

/** The process has one stdout, so one buffer before it. */
export function stdoutSink(): StdoutSink {
  shared ??= new StdoutSink();
  return shared;
}

/** Columns of the terminal that `--output` writes to; infinite where it writes to none. A terminal that does not tell has 80. */
export function terminalWidth(output: string | undefined): number {
  if (isFile(output) || !process.stdout.isTTY) return Number.POSITIVE_INFINITY;
  return process.stdout.columns || 80;
}

/** Whether `--output` is a file: it is absent or `-` for stdout. */
function isFile(output: string | undefined): output is string {
  return output !== undefined && output !== '-';
}

/**
 * stdout for `undefined` and `-`, else a new file; where a link leads to a file, that file is made anew and the link stays.
 * @throws UsageError where the file can't be made
 */
export function openSink(output: string | undefined): Sink {
  if (!isFile(output)) return stdoutSink();
  let there: fs.Stats | undefined;
  try {
    there = fs.statSync(output, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(error, output);
  }
  if (there === undefined || there.isDirectory()) return new FileSink(output);
  return there.isFile() ? new FileSink(fs.realpathSync(output)) : new DeviceSink(output);
}

/** Runs `work` with the sink of `--output`: committed when it returns, discarded when it throws or a signal ends the process. */
export async function withSink<T>(output: string | undefined, work: (sink: Sink) => T | Promise<T>): Promise<T> {
  const sink = openSink(output);
  const committed = async () => {
    const result = await work(sink);
    sink.commit();
    return result;
  };
  const interrupted = () => {
    sink.discard();
    notice('lsmctl: interrupted');
  };
  try {
    return isFile(output) ? await withCleanUp(interrupted, committed) : await committed();
  } catch (error) {
    if (isFile(output)) sink.discard();
    else flushQuietly(sink);
    throw error;
  }
}

/** A line for people, on stderr. A closed stderr is no reason to fail. */
export function notice(text: string): void {
  try {
    fs.writeSync(2, `${text}\n`);
  } catch {
    // nobody listens
  }
}

/** What was printed before an error is shown before it. */
export function flushQuietly(sink: Sink): void {
  try {
    sink.flush();
  } catch {
    // the error that is on its way says more
  }
}

function openNew(temporary: string, target: string): number {
  try {
    if (fs.statSync(target, { throwIfNoEntry: false })?.isDirectory()) {
      throw new UsageError('is a directory, a file to write was expected', { file: target });
    }
    return fs.openSync(temporary, 'wx', 0o644);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError(error, target);
    throw new UsageError('can not be written: its directory does not exist', { file: target }, { cause: error });
  }
}

function openThere(target: string): number {
  try {
    return fs.openSync(target, fs.constants.O_WRONLY);
  } catch (error) {
    throw fileError(error, target);
  }
}

function sleep(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}
