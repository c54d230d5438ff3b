/** What to run after a finding. */
import path from 'node:path';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import type { SSTableFiles } from '../sstable-directory.js';
import type { Chain } from './chain.js';
import type { Finding } from './finding.js';
import type { RuleId } from './rules.js';

/** Rules whose findings mean that rows are lost or doubtful. */
const LOSES_ROWS: ReadonlySet<RuleId> = new Set<RuleId>([
  'data-chunk',
  'data-digest',
  'data-length',
  'component-empty',
  'row',
  'row-order',
  'range-tombstone',
  'cell',
  'key-order',
]);
const LOSES_WAYS: ReadonlySet<RuleId> = new Set<RuleId>(['index', 'index-incomplete', 'row-index', 'statistics', 'compression-info', 'component-missing']); // biome-ignore format: one line
const OF_FILTER: ReadonlySet<RuleId> = new Set<RuleId>(['filter', 'filter-denies', 'filter-extra']);

export function commandsFor(
  finding: Finding,
  { partitions, elsewhere }: Chain,
  { descriptor, place }: SSTableFiles,
): string[] {
  const data = quoted(componentPath(descriptor, COMPONENT.data));
  const commands: string[] = [];
  const copy = elsewhere.find(
    ({ isCopy, sharesBytes, found, readable }) => isCopy && !sharesBytes && found > 0 && readable === found,
  );
  if (OF_FILTER.has(finding.rule)) return [`lsmctl bloom --rebuild ${data}`];
  if (copy) commands.push(`cp -p ${quoted(copy.sstable)}-* ${quoted(descriptor.directory)}/`);
  if (LOSES_ROWS.has(finding.rule) || LOSES_WAYS.has(finding.rule))
    commands.push(`lsmctl salvage ${data} --output salvaged`);
  const isLive = place.snapshot === undefined && !place.backup && place.index === undefined;
  if (isLive && LOSES_ROWS.has(finding.rule)) {
    const tokens = partitions?.tokens;
    const range = tokens ? ` -st ${tokens.after} -et ${tokens.upTo}` : '';
    commands.push(`nodetool repair -full${range} ${place.keyspace} ${place.table}`);
  }
  if (finding.rule === 'levels-overlap') commands.push(`lsmctl compact relevel ${quoted(descriptor.directory)}`);
  if (commands.length === 0) commands.push(`lsmctl explain ${finding.rule}`);
  return commands;
}

function quoted(file: string): string {
  const normal = path.normalize(file);
  return /^[\w./+:@%,-]+$/.test(normal) ? normal : `'${normal.replaceAll("'", `'\\''`)}'`;
}
