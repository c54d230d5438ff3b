/** Puts together what `lsmctl commitlog verify` shows. */
import { diskStorage } from '../../bytes/source.js';
import type { LogSchema } from '../../commitlog/log-schema.js';
import { type LogReport, verifyLog } from '../../engine/commitlog-verify.js';
import { LeftMutations } from '../../render/commitlog-verdict.js';
import { jsonLine } from '../../render/json.js';
import { withSink } from '../output.js';
import { startProgress } from '../progress.js';
import { drive, type LogFlags, learnFromLog, openLog, persistedOrNothing } from './log-context.js';

export type VerifyFlags = LogFlags & { readonly left?: string | undefined };

export type LogVerdict = { readonly report: LogReport; readonly left: LeftMutations; readonly schema: LogSchema };

/** @throws UsageError, UnsupportedError, CorruptError (schema) */
export async function verifyPaths(
  paths: readonly string[],
  flags: VerifyFlags,
  tell: (line: string) => void,
): Promise<LogVerdict> {
  const log = await openLog(paths, flags);
  if ('unmeasured' in log.persisted) tell(`what SSTables hold already is not known: ${log.persisted.unmeasured}`);
  await learnFromLog(log);
  const total = log.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = await startProgress('checking', total);
  const left = new LeftMutations();
  const before = new Map<string, number>();
  let sum = 0;
  for (const { file, bytes } of log.segments) {
    before.set(file, sum);
    sum += bytes;
  }
  const run = (write?: (line: string) => void) =>
    verifyLog(diskStorage, log.segments, {
      schema: log.schema.tables,
      persisted: persistedOrNothing(log.persisted),
      cipherOf: log.cipherOf,
      drive: (walk, { file }) => drive(walk, (position) => progress.update(before.get(file)! + position)),
      onLeft: (mutation) => {
        const object = left.add(mutation);
        write?.(jsonLine(object));
      },
    });
  const report =
    flags.left === undefined
      ? await run()
      : await withSink(flags.left, (sink) => run((line) => sink.writeText(`${line}\n`)));
  progress.stop();
  return { report, left, schema: log.schema.tables };
}
