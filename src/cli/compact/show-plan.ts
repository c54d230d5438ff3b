/** A plan for the screen, and as the document that `compact apply` takes. */
import path from 'node:path';
import { diskStorage } from '../../bytes/source.js';
import { documentTable, PLAN_SCHEMA, PLAN_VERSION } from '../../engine/plan/plan-document.js';
import { planText } from '../../render/compaction-plan.js';
import { jsonDocument } from '../../render/json.js';
import type { Planned } from './plan.js';
import { readRate } from './rate.js';

export function shownPlan({ tables }: Planned, width: number): string {
  const shown = tables.map(({ table, plan, freeBytes }) => ({
    name: table.name,
    directory: table.directory.path,
    strategy: table.options.class ?? '',
    sstables: table.sstables,
    plan,
    freeBytes,
  }));
  return planText(shown, readRate(), width);
}

/** @throws UsageError, CorruptError */
export function planDocument({ tables, nowSeconds, commitlog, request }: Planned): object {
  return jsonDocument(PLAN_SCHEMA, PLAN_VERSION, {
    nowSeconds,
    ...(commitlog && { commitlog }),
    tables: tables.map(({ table, plan, freeBytes }) =>
      documentTable(diskStorage, {
        keyspace: table.directory.place.keyspace,
        table: table.directory.place.table,
        directory: path.resolve(table.directory.path),
        compaction: table.options,
        gcGraceSeconds: table.gcGraceSeconds,
        garbageCollect: request.kind === 'garbagecollect' ? request.level : undefined,
        sstables: table.sstables,
        plan,
        freeBytes,
      }),
    ),
  });
}
