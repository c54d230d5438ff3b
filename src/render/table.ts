/** Plain tables: no borders, two spaces between columns, numbers to the right, 80 columns where it can be had. */
import Table from 'cli-table3';

export type TableColumn = {
  readonly title: string;
  /** Numbers and sizes stand to the right. */
  readonly align?: 'left' | 'right';
};

export type TableOptions = {
  /** Columns of the terminal; a wider table is cut in its widest left-aligned column, with an ellipsis. 0 or absent: never cut. */
  readonly width?: number;
  /** Spaces before each line. */
  readonly indent?: number;
};

const GAP = 2;

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
};

/** The lines of a table, without a line break at the end. Cells are plain text; nothing is coloured. */
export function tableText(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const indent = options.indent ?? 0;
  const widths = columns.map((column, i) => Math.max(column.title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const available = options.width ? options.width - indent : Number.POSITIVE_INFINITY;
  const table = new Table({
    head: columns.map((column) => column.title),
    colAligns: columns.map((column) => column.align ?? 'left'),
    colWidths: fitWidths(columns, widths, available),
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => columns.map((_, i) => row[i] ?? '')));
  const prefix = ' '.repeat(indent);
  return table
    .toString()
    .split('\n')
    .map((line) => (prefix + line).trimEnd())
    .join('\n');
}

/** Narrows the widest left-aligned column until the line fits, but none below eight. */
function fitWidths(columns: readonly TableColumn[], natural: readonly number[], available: number): number[] {
  const widths = natural.map((width) => Math.max(width, 1));
  const total = () => widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
  while (total() > available) {
    const widest = widths.reduce(
      (best, width, i) => (columns[i]!.align !== 'right' && width > (widths[best] ?? 0) ? i : best),
      -1,
    );
    if (widest < 0 || widths[widest]! <= 8) break;
    widths[widest]!--;
  }
  return widths;
}
