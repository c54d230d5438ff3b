/** Times whole processes: wall and CPU seconds, peak resident memory, the time to the first byte of output. Linux (reads /proc). */
import { spawn } from 'node:child_process';
import fs from 'node:fs';

export type Command = { readonly label: string; readonly program: string; readonly args: readonly string[] };

export type Run = {
  readonly seconds: number;
  /** Of all its threads, up to the last look before its end. */
  readonly cpuSeconds: number;
  readonly firstByteSeconds: number;
  readonly peakMegabytes: number;
  readonly outputMegabytes: number;
};

const POLL_MILLIS = 4;

/** One run of `command`. Its output goes to /dev/null, where no reader competes for a processor; or through a pipe, to see when it begins. */
export function run(command: Command, output: 'null' | 'pipe'): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const since = () => Number(process.hrtime.bigint() - start) / 1e9;
    const child = spawn(command.program, command.args, {
      stdio: ['ignore', output === 'null' ? 'ignore' : 'pipe', 'pipe'],
    });
    let first = 0;
    let bytes = 0;
    let peak = 0;
    let cpu = 0;
    let errors = '';
    child.stdout?.on('data', (piece: Buffer) => {
      if (bytes === 0) first = since();
      bytes += piece.length;
    });
    child.stderr?.on('data', (piece: Buffer) => {
      errors = (errors + piece.toString()).slice(-2000);
    });
    const poll = setInterval(() => {
      peak = Math.max(peak, peakOf(child.pid));
      cpu = Math.max(cpu, cpuSeconds(`/proc/${child.pid}`));
    }, POLL_MILLIS);
    child.once('error', reject);
    child.once('close', (status) => {
      clearInterval(poll);
      if (status !== 0) reject(new Error(`${command.label} ended with ${status}: ${errors}`));
      else
        resolve({
          seconds: since(),
          cpuSeconds: cpu,
          firstByteSeconds: first,
          peakMegabytes: peak,
          outputMegabytes: bytes / 1e6,
        });
    });
  });
}

/** VmHWM, in units of 10^6 bytes: the kernel keeps the peak, so the last look before the end is as good as all. */
function peakOf(pid: number | undefined): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return (Number(kilobytes ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

const TICKS_PER_SECOND = 100;

/** User and system time of the process or thread whose directory in /proc this is; 0 where it is gone. */
export function cpuSeconds(directory: string): number {
  try {
    const stat = fs.readFileSync(`${directory}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** Of an even number the lower one of the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

export type Figures = {
  readonly label: string;
  readonly seconds: number;
  readonly least: number;
  readonly most: number;
  readonly firstByteSeconds: number;
  readonly peakMegabytes: number;
  readonly outputMegabytes: number;
};

/**
 * The commands in turn, `rounds` times (the machine's speed drifts: neighbours in time compare), after a round through a pipe that warms up and
 * tells when the output begins and how long it is.
 */
export async function compare(commands: readonly Command[], rounds: number): Promise<Figures[]> {
  const pipes: Run[] = [];
  for (const command of commands) pipes.push(await run(command, 'pipe'));
  const runs: Run[][] = commands.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, command] of commands.entries()) runs[i]!.push(await run(command, 'null'));
  }
  return commands.map(({ label }, i) => figuresOf(label, runs[i]!, pipes[i]!));
}

function figuresOf(label: string, runs: readonly Run[], pipe: Run): Figures {
  const seconds = runs.map((r) => r.seconds).sort((a, b) => a - b);
  return {
    label,
    seconds: seconds[Math.floor(seconds.length / 2)]!,
    least: seconds[0]!,
    most: seconds[seconds.length - 1]!,
    firstByteSeconds: pipe.firstByteSeconds,
    peakMegabytes: Math.max(pipe.peakMegabytes, ...runs.map((r) => r.peakMegabytes)),
    outputMegabytes: pipe.outputMegabytes,
  };
}
