/** A drill with its files: the lost writes, and the page for browsers. */

import type { LostWrite } from '../../engine/drill/loss.js';
import type { DrillReport } from '../../engine/drill/report.js';
import { lostWriteLine } from '../../render/drill-json.js';
import { jsonLine } from '../../render/json.js';
import { withSink } from '../output.js';
import type { DrillFlags } from './request.js';
import { runDrill } from './run.js';

export type DrillOutputs = { readonly html?: string | undefined; readonly lost?: string | undefined };

/** @throws UsageError, UnsupportedError, CorruptError */
export async function drill(
  given: string | undefined,
  flags: DrillFlags & DrillOutputs,
  tell: { readonly notice: (line: string) => void; readonly isQuiet: boolean },
): Promise<DrillReport> {
  const run = (lost?: (write: LostWrite) => void) => runDrill(given, flags, { ...tell, lost });
  const report =
    flags.lost === undefined
      ? await run()
      : await withSink(flags.lost, (sink) => run((write) => sink.writeText(`${jsonLine(lostWriteLine(write))}\n`)));
  if (flags.html !== undefined) {
    const { drillHtml } = await import('../../render/drill-html.js');
    await withSink(flags.html, (sink) => sink.writeText(drillHtml(report)));
  }
  return report;
}
