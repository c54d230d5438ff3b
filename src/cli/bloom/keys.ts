/** `lsmctl bloom --key K`: what every filter answers for a key. */
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { parseValue } from '../../cql/values/parse-value.js';
import { type KeyAnswer, keyAnswer } from '../../engine/bloom/key-answer.js';
import { answerReport, answersText } from '../../render/bloom-answer.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { readStatistics } from '../../sstable/statistics.js';
import { EXIT } from '../exit.js';
import { Failures } from '../metadata.js';
import { type BloomDone, type BloomFlags, wantedTables } from './run.js';

type KeyFlags = Pick<BloomFlags, 'keyspace' | 'table' | 'snapshots'> & { readonly key: readonly string[] };

/** @throws UsageError for a key that none of the SSTables can hold */
export async function askPaths(
  paths: readonly string[],
  flags: KeyFlags,
  tell: (line: string) => void,
): Promise<BloomDone> {
  const failures = new Failures();
  const sstables = wantedTables(paths, flags, failures).flat();
  const reports: ReturnType<typeof answerReport>[] = [];
  for (const text of flags.key) {
    const answers: KeyAnswer[] = [];
    for (const { descriptor } of sstables) {
      try {
        answers.push(await keyAnswer(diskStorage, descriptor, keyOf(descriptor, text)));
      } catch (error) {
        failures.add(error);
      }
    }
    reports.push(answerReport(text, answers));
  }
  if (reports.length > 0 && sstables.length > 0 && reports.every(({ answers }) => answers.length === 0)) {
    tell('no SSTable could be asked');
  }
  const isWrong = reports.some(({ answers }) => answers.some(({ verdict }) => verdict === 'denied-though-held'));
  if (failures.exitCode === EXIT.clean && isWrong) failures.exitCode = EXIT.findings;
  return { name: 'bloom-key', body: { keys: reports }, failures, text: () => answersText(reports) };
}

function keyOf(descriptor: Descriptor, text: string): Uint8Array {
  const { header, file } = readStatistics(diskStorage, descriptor);
  try {
    return parseValue(header.keyType, text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`--key: ${error.message}`, { file, ...error.facts }, { cause: error });
  }
}
