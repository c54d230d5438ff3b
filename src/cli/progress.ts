/**
 * How far a long piece of work has come, on stderr: a spinner line on a terminal, a plain line every ten seconds elsewhere. Rows are walked
 * synchronously, so nothing here waits for a timer: `update` draws.
 */
import { bytesText } from '../render/bytes.js';
import { durationText } from '../render/time.js';
import { notice } from './output.js';

export interface Progress {
  /** Bytes done so far; cheap enough for every chunk. */
  update(doneBytes: number): void;
  /** Removes the line. */
  stop(): void;
}

const TERMINAL_MILLIS = 100;
const PLAIN_MILLIS = 10_000;

/** Work smaller than this is over before anybody could read the line. */
const MIN_BYTES = 32 << 20;

/** As `performance.now()`, whose module takes two milliseconds to load. */
const nowMillis = () => process.uptime() * 1000;

const SILENT: Progress = { update() {}, stop() {} };

/**
 * `label`: what is done, as "dumping". Silent where the work is small, under `--json`'s `quiet`, and where stdout is the same terminal: a
 * line among the data helps nobody. ora is loaded only where it draws.
 * `alone`: no data is printed before the work is done, so that a terminal has room for the line.
 */
export async function startProgress(
  label: string,
  totalBytes: number,
  quiet = false,
  alone = false,
): Promise<Progress> {
  if (quiet || totalBytes < MIN_BYTES || (!alone && process.stdout.isTTY && process.stderr.isTTY)) return SILENT;
  const started = nowMillis();
  const textAt = (done: number) => progressText(label, done, totalBytes, nowMillis() - started);
  if (!process.stderr.isTTY) return throttled(PLAIN_MILLIS, (done) => notice(`lsmctl: ${textAt(done)}`));
  const { default: ora } = await import('ora');
  // Without cursor and stdin tricks there is no signal handler, so Ctrl-C ends a synchronous loop too.
  const spinner = ora({ text: textAt(0), stream: process.stderr, hideCursor: false, discardStdin: false }).start();
  const draw = (done: number) => {
    spinner.text = textAt(done);
    spinner.render();
  };
  return { ...throttled(TERMINAL_MILLIS, draw), stop: () => spinner.stop() };
}

/** "dumping 512 MiB of 2.0 GiB, 25 %, 210 MiB/s, 7 s left". */
export function progressText(label: string, done: number, total: number, elapsedMillis: number): string {
  const parts = [`${label} ${bytesText(done)} of ${bytesText(total)}`];
  if (done > 0 && elapsedMillis > 0 && total > 0) {
    const bytesPerSecond = (done / elapsedMillis) * 1000;
    parts.push(`${Math.min(100, Math.floor((done / total) * 100))} %`, `${bytesText(bytesPerSecond)}/s`);
    parts.push(`${durationText(Math.ceil(Math.max(0, total - done) / bytesPerSecond))} left`);
  }
  return parts.join(', ');
}

function throttled(everyMillis: number, draw: (done: number) => void): Progress {
  let next = nowMillis() + everyMillis;
  return {
    update(done) {
      const now = nowMillis();
      if (now < next) return;
      next = now + everyMillis;
      draw(done);
    },
    stop() {},
  };
}
