/** Checks of updates that go nowhere: see row-values.ts. */
import type { LogTable } from '../../commitlog/log-schema.js';
import type { UpdateCursor } from '../../commitlog/update-cursor.js';
import { type ColumnMap, RowBuffer } from '../../sstable/row-buffer.js';
import { END, ROW } from '../../sstable/unfiltered-cursor.js';
import { droppedTimes } from '../compaction/output-header.js';
import { columnMap, hasSameCells } from '../merge/merge-source.js';
import { RowValues } from './row-values.js';

/** Of updates with the same columns. */
type Layout = { readonly values: RowValues; readonly map: ColumnMap; readonly copiesCells: boolean };

export class UpdateValues {
  private readonly layouts = new WeakMap<UpdateCursor, Layout>();
  private readonly row = new RowBuffer();

  /** Reads the update under the cursor to its end. @returns how many rows it has. @throws CorruptError where a node would not take it */
  check(update: UpdateCursor, table: LogTable): number {
    const { row } = this;
    const { values, map, copiesCells } = this.layoutOf(update, table);
    let rows = 0;
    if (update.readStaticRow()) {
      row.load(update, map);
      if (!row.isEmpty) rows++;
    }
    for (let kind = update.nextUnfiltered(); kind !== END; kind = update.nextUnfiltered()) {
      if (kind !== ROW) continue;
      const cells = copiesCells ? update.takePlainCells() : -1;
      if (cells > 0) row.loadPlain(update, cells);
      else row.load(update, map);
      if (row.isEmpty) continue;
      values.check(update, row);
      rows++;
    }
    return rows;
  }

  private layoutOf(update: UpdateCursor, { definition }: LogTable): Layout {
    let layout = this.layouts.get(update);
    if (!layout) {
      const { header } = update;
      const map = columnMap(header, header, droppedTimes(definition));
      layout = { values: new RowValues(header), map, copiesCells: hasSameCells(header, header, map) };
      this.layouts.set(update, layout);
    }
    return layout;
  }
}
