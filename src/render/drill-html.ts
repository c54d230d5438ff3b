/** The page of a drill for browsers: one file, nothing is loaded from elsewhere. Light and dark, and on paper. */
import { type DrillReport, recoverySeconds } from '../engine/drill/report.js';
import { countText } from './bytes.js';
import { baseName, crashLines, limitText, lostSummary, secondsText, startSentence, syncName, timeText } from './drill.js'; // biome-ignore format: one line
import { plainText } from './plain-text.js';
import { secondsTimeText } from './time.js';
import { plural } from './words.js';

export function drillHtml(report: DrillReport): string {
  const { directory, base, isPassed, reasons, nowSeconds, seed } = report;
  const what = directory ?? base.path;
  const verdict = isPassed ? 'PASS' : 'FAIL';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${verdict}: recovery drill of ${text(what)}</title>
<style>${STYLE}</style>
</head>
<body>
<header class="${isPassed ? 'pass' : 'fail'}">
<p class="verdict">${verdict}</p>
<div><h1>Recovery drill</h1>
<p>${text(what)}<br>${secondsTimeText(nowSeconds)}, seed ${seed}; all of it on a copy</p>
${reasons.map((reason) => `<p class="reason">${text(reason)}</p>`).join('\n')}</div>
</header>
${tiles(report)}
${timeline(report)}
<div class="columns">
${crash(report)}
${phases(report)}
</div>
${report.log.segments === 0 ? '' : compared(report)}
${tables(report)}
${result(report)}
</body>
</html>
`;
}

function text(value: string): string {
  const plain = plainText(value);
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function tiles(report: DrillReport): string {
  const { loss, answers, phases: all, result: found, base, limits } = report;
  const rows = answers ? answers.gone + answers.older + answers.back : undefined;
  const tile = (title: string, value: string, note: string) =>
    `<section class="tile"><h2>${title}</h2><p class="value">${text(value)}</p><p>${text(note)}</p></section>`;
  const kept = (kinds: readonly string[]) =>
    limits.filter(({ kind }) => kinds.includes(kind)).map((limit) => `${limitText(limit)[0]}: ${limitText(limit)[2]}`).join('; ') || 'no limit was given'; // biome-ignore format: one line
  return `<div class="tiles">
${tile('Lost (RPO)', loss.writes === 0 ? lostSummary(report) : secondsText(loss.seconds), kept(['max-loss-seconds', 'max-loss-writes']))}
${tile('Back in (RTO)', secondsText(recoverySeconds(all)), kept(['max-time']))}
${tile('Writes lost', countText(loss.writes), `${plural(loss.keys, 'key')} in ${plural(loss.tables, 'table')}`)}
${tile('Answers that differ', rows === undefined ? 'not compared' : countText(rows), answers ? `rows: ${countText(answers.gone)} gone, ${countText(answers.older)} older, ${countText(answers.back)} back` : (report.unmeasured ?? ''))}
${tile('Result', found.isSound ? 'sound' : 'not sound', `${plural(found.rows, 'row')} verified; ${base.isComplete ? 'all files there' : 'files are missing'}`)}
</div>`;
}

const CHART = { width: 960, height: 120 };

/** Mutations over time; what is lost stands out. */
function timeline({ log, loss }: DrillReport): string {
  const { timeline: found } = log;
  if (!found) return '';
  const { buckets, fromMicros, toMicros } = found;
  const most = Math.max(...buckets.map(({ mutations }) => mutations));
  const step = CHART.width / buckets.length;
  const bars = buckets.map(({ mutations, lost }, i) => {
    if (mutations === 0) return '';
    // square roots, so that a few writes show beside many; the lost ones have their share of the bar
    const height = Math.max(2, Math.sqrt(mutations / most) * (CHART.height - 4));
    const lostHeight = lost === 0 ? 0 : Math.max(2, (height * Math.min(lost, mutations)) / mutations);
    const x = (i * step).toFixed(2);
    const at = (y: number, h: number, kind: string) =>
      `<rect class="${kind}" x="${x}" y="${y.toFixed(2)}" width="${(step - 1.5).toFixed(2)}" height="${h.toFixed(2)}"/>`;
    const title = `<title>${plural(mutations, 'mutation')}, ${countText(lost)} lost</title>`;
    const keptHeight = height - lostHeight;
    return `<g>${title}${keptHeight > 0.5 ? at(CHART.height - height, keptHeight, 'kept') : ''}${lostHeight > 0 ? at(CHART.height - lostHeight, lostHeight, 'lost') : ''}</g>`;
  });
  return `<section><h2>The commit log, by when it was written</h2>
<svg viewBox="0 0 ${CHART.width} ${CHART.height}" role="img" aria-label="mutations by time">${bars.join('')}</svg>
<p class="axis"><span>${timeText(fromMicros)}</span><span><i class="key kept"></i> recovered or in SSTables <i class="key lost"></i> lost${loss.firstMicros === undefined ? '' : `, from ${timeText(loss.firstMicros)}`}</span><span>${timeText(toMicros)} UTC</span></p>
</section>`;
}

function crash(report: DrillReport): string {
  const { base } = report;
  const found = crashLines(report);
  const list = found.length === 0 ? ['nothing of the log was damaged, as when a process is killed'] : found;
  const stale =
    base.kind === 'live' || base.newestMicros === undefined
      ? ''
      : `<p>Its newest write is of ${timeText(base.newestMicros)}, ${text(secondsText(base.staleSeconds ?? 0))} behind ${base.against?.what === 'live' ? 'the live directory' : 'the clock'}.</p>`;
  const problems = base.problems.filter(({ isWrong }) => isWrong).slice(0, 12);
  return `<section><h2>What happened</h2>
<p>Started from ${text(baseName(base))}, ${plural(base.sstables, 'SSTable')}.</p>${stale}
<ul>${[...list, ...problems.map(({ message, file }) => `${message}: ${file}`)].map((line) => `<li>${text(line)}</li>`).join('')}</ul>
<p>${text(startSentence(report))}${report.start.replayedAs === 'skip-corrupt' ? ' Replayed with <code>--skip-corrupt</code>.' : ''}</p>
</section>`;
}

function phases({ phases: all }: DrillReport): string {
  const total = recoverySeconds(all);
  const rows = all.map(({ name, seconds, what }) => {
    const share = total > 0 ? (seconds / total) * 100 : 0;
    return `<tr><td>${name}</td><td class="n">${secondsText(seconds)}</td><td class="wide"><div class="bar" style="width:${share.toFixed(1)}%"></div></td></tr><tr class="note"><td></td><td></td><td>${text(what)}</td></tr>`;
  });
  return `<section><h2>Time to recover</h2><table class="phases">${rows.join('')}<tr class="sum"><td>in all</td><td class="n">${secondsText(total)}</td><td></td></tr></table></section>`;
}

function compared({ compared: all }: DrillReport): string {
  const rows = all.map((one) => {
    const { writes, keys, tables: count, seconds } = one.loss;
    return `<tr><td>${syncName(one)}</td>${numbers([writes, keys, count])}<td class="n">${writes === 0 ? '–' : secondsText(seconds)}</td></tr>`;
  });
  return `<section><h2>The same damage, by how the node syncs</h2>
<table><tr><th>commitlog_sync</th><th class="n">writes lost</th><th class="n">keys</th><th class="n">tables</th><th class="n">RPO</th></tr>${rows.join('')}</table></section>`;
}

function numbers(values: readonly (number | undefined)[]): string {
  return values.map((value) => `<td class="n">${value === undefined ? '' : countText(value)}</td>`).join('');
}

function tables({ tables: all }: DrillReport): string {
  const shown = all.filter(({ isSystem }) => !isSystem);
  if (shown.length === 0) return '';
  const rows = shown.map(
    ({ keyspace, table, writes, keys, answers, firstMicros }) =>
      `<tr><td>${text(`${keyspace}.${table}`)}</td>${numbers([writes, keys.size, answers?.gone, answers?.older, answers?.back])}<td class="n">${firstMicros === undefined ? '' : timeText(firstMicros)}</td></tr>`,
  );
  return `<section><h2>Tables</h2><div class="scroll"><table>
<tr><th>table</th><th class="n">writes lost</th><th class="n">keys</th><th class="n">rows gone</th><th class="n">older</th><th class="n">back</th><th class="n">first lost write</th></tr>${rows.join('')}</table></div></section>`;
}

function result({ result: found }: DrillReport): string {
  const errors = found.findings.filter(({ severity }) => severity === 'error').slice(0, 20);
  const list = errors.map(({ rule, message, file }) => `<li><b>${text(rule)}</b> ${text(message)}: ${text(file)}</li>`);
  return `<section><h2>The result</h2>
<p>${plural(found.sstables, 'SSTable')}, ${plural(found.partitions, 'partition')}, ${plural(found.rows, 'row')} verified deeply: ${plural(found.errors, 'error')}, ${plural(found.warnings, 'warning')}. ${plural(found.replayedMutations, 'mutation')} of the log went into ${plural(found.writtenSSTables, 'SSTable')}.</p>
${list.length > 0 ? `<ul>${list.join('')}</ul>` : ''}</section>`;
}

const STYLE = `
:root{--ink:#1c2330;--soft:#5b6575;--line:#d9dee7;--page:#fff;--tile:#f5f7fa;--kept:#4c7bd9;--lost:#d9483b;--pass:#1f7a4d;--fail:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa4b5;--line:#333b49;--page:#14181f;--tile:#1d232d;--kept:#6b95ea;--lost:#ee6a5e;--pass:#2c9a64;--fail:#cf3a31}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--page);margin:0 auto;padding:24px;max-width:1040px}
h1{font-size:20px;margin:0}h2{font-size:13px;font-weight:600;color:var(--soft);margin:0 0 8px}
p{margin:0 0 6px}section{margin:28px 0 0}ul{padding-left:18px;margin:6px 0}li{overflow-wrap:anywhere}
header{display:flex;gap:20px;align-items:center;border-left:8px solid var(--pass);padding:6px 0 6px 16px;overflow-wrap:anywhere}
header.fail{border-color:var(--fail)}header p{color:var(--soft);margin:0}
header .verdict{white-space:nowrap;font-size:34px;font-weight:700;color:var(--pass)}header.fail .verdict,header .reason{color:var(--fail)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(176px,1fr));gap:12px;margin-top:24px}
.tile{background:var(--tile);border-radius:8px;padding:12px 14px;margin:0}.tile p{color:var(--soft);font-size:13px;margin:0}
.tile .value{font-size:22px;font-weight:600;color:var(--ink);font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;border-bottom:1px solid var(--line)}rect.kept{fill:var(--kept)}rect.lost{fill:var(--lost)}
.axis{display:flex;justify-content:space-between;gap:12px;flex-wrap:wrap;color:var(--soft);font-size:13px;margin-top:4px}
.key{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 2px 0 8px}.key.kept{background:var(--kept)}.key.lost{background:var(--lost)}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(340px,1fr));gap:0 32px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-size:13px;font-weight:600;color:var(--soft)}.n{text-align:right;white-space:nowrap}.scroll{overflow-x:auto}
.phases td{border:0;padding-bottom:0}.phases .note td{color:var(--soft);font-size:13px;padding:0 0 6px}.phases .wide{width:60%;vertical-align:middle}
.phases .sum td{border-top:1px solid var(--line);font-weight:600}.bar{background:var(--kept);height:10px;border-radius:2px;min-width:2px}
code{font-size:13px}@media print{body{padding:0}}
`.trim();
