/**
 * Every row, bound and cell of a partition decoded and judged, and counted for Statistics.db on the way. Nothing is allocated per row or cell
 * that is sound.
 */
import { compare64 } from '../../bytes/int64.js';
import { BOUND_KINDS } from '../../cql/clustering.js';
import { comparator, type ValueComparator } from '../../cql/compare.js';
import { cellValueType, pathType } from '../../cql/type-facts.js';
import { hasLegacyShards } from '../../cql/values/counter.js';
import { validateValue } from '../../cql/values/validate.js';
import {
  type DeletionSlot,
  EXPIRED_LIVENESS_TTL,
  INVALID_DELETION_TIME,
  NO_DELETION_TIME,
} from '../../sstable/deletion-slot.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import { CLUSTERING, isBoundary, isOpen } from '../../sstable/marker-buffer.js';
import type { MetadataCollector } from '../../sstable/metadata/metadata-collector.js';
import { DeletionState } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { PreviousClustering } from './clustering-check.js';
import type { FindingLog, PartitionName } from './finding.js';
import type { RuleId } from './rules.js';
import {
  type CellWatcher,
  type ColumnTest,
  columnTest,
  keyTest,
  keyValueType,
  reasonAgainst,
  testPlainCells,
  type ValueTest,
  valueTest,
} from './value-check.js';

/** Twenty years, in seconds. */
export const MAX_TTL_SECONDS = 20 * 365 * 24 * 60 * 60;

export type RowCheckOptions = {
  readonly header: SerializationHeader;
  readonly collector: MetadataCollector;
  readonly log: FindingLog;
  /** Timestamps above it lie in the future, µs, as halves. */
  readonly futureHi: number;
  readonly futureLo: number;
  readonly nameOf: (key: Uint8Array, length: number) => PartitionName;
};

/** Told of each row and bound, with where it begins in its partition. */
export interface UnfilteredWatcher {
  /** `kind`: ordinal of BOUND_KINDS. `previous` is the place of the one before, of this partition. */
  unfiltered(
    c: UnfilteredCursor,
    kind: number,
    offset: number,
    previous: PreviousClustering,
    open: DeletionState,
  ): void;
}

export class RowCheck implements CellWatcher {
  rows = 0;
  cells = 0;
  markers = 0;
  private readonly options: RowCheckOptions;
  private readonly log: FindingLog;
  private readonly collector: MetadataCollector;
  private readonly statics: readonly ColumnTest[];
  private readonly regulars: readonly ColumnTest[];
  private readonly pathComparators = new Map<ColumnTest, ValueComparator>();
  private readonly clusterings: readonly (ValueTest | undefined)[];
  private readonly isKey: ValueTest;
  private readonly previous: PreviousClustering;
  private readonly open = new DeletionState();
  private c!: UnfilteredCursor;
  private columnsSet = 0;

  constructor(options: RowCheckOptions) {
    const { header, log, collector } = options;
    this.options = options;
    this.log = log;
    this.collector = collector;
    this.statics = header.staticColumns.map(({ type }) => columnTest(type));
    this.regulars = header.regularColumns.map(({ type }) => columnTest(type));
    for (const test of [...this.statics, ...this.regulars]) {
      if (test.isComplex) this.pathComparators.set(test, comparator(pathType(test.type)));
    }
    this.clusterings = header.clusteringTypes.map(valueTest);
    this.isKey = keyTest(header.keyType);
    this.previous = new PreviousClustering(header.clusteringTypes);
  }

  /** The partition on which the cursor stands, all of it. @returns the place of its last row or bound @throws CorruptError where it can't be decoded */
  partition(c: UnfilteredCursor, watcher?: UnfilteredWatcher): PreviousClustering {
    this.c = c;
    c.position = c.partitionPosition; // where the deletion of the partition is told, not at the row before
    this.key();
    if (c.hasPartitionDeletion) {
      const { hi, lo, localDeletionSeconds } = c.partitionDeletion;
      this.collector.updatePartitionDeletion(hi, lo, localDeletionSeconds);
      this.deletion(c.partitionDeletion, 'partition deletion');
    }
    if (c.readStaticRow() && !c.isEmptyRow()) {
      this.rows++;
      this.row(this.statics);
    }
    this.previous.clear();
    this.open.clear();
    this.unfiltereds(watcher);
    if (this.open.isSet) this.tell('range-tombstone', 'a range deletion is open at the end of the partition');
    return this.previous;
  }

  private unfiltereds(watcher: UnfilteredWatcher | undefined): void {
    const { c, previous } = this;
    let hasRow = false;
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      const isRow = kind === ROW;
      const bound = isRow ? CLUSTERING : c.boundKind;
      watcher?.unfiltered(c, bound, c.position - c.partitionPosition, previous, this.open);
      if (previous.isSet) this.order(bound);
      previous.take(c, bound);
      this.clusteringValues();
      if (!isRow) {
        this.marker(bound);
        continue;
      }
      this.rows++;
      if (hasRow) this.collector.updateLastClustering(c.in.buf, c.clusteringStart, c.clusteringEnd);
      else this.collector.updateClustering(c.in.buf, c.clusteringStart, c.clusteringEnd);
      hasRow = true;
      this.row(this.regulars);
    }
  }

  private order(bound: number): void {
    const order = this.previous.compare(this.c, bound);
    if (order < 0) return;
    // two bounds at one place would be a boundary; none may stand at the place of another
    const what = bound === CLUSTERING ? 'row' : BOUND_KINDS[bound]!;
    if (order === 0) this.tell('row-order', `${what} is there twice`, { seen: this.clusteringText() });
    else this.tell('row-order', `${what} does not come after the one before it`, { seen: this.clusteringText() });
  }

  private key(): void {
    const { c } = this;
    if (this.isKey(c.key, 0, c.keyLength)) return;
    const reason = validateValue(keyValueType(this.options.header.keyType), c.key, 0, c.keyLength);
    if (reason !== undefined) this.tell('value', `partition key: ${reason}`, {}, c.partitionPosition);
  }

  private clusteringValues(): void {
    const { c } = this;
    for (let i = 0; i < c.clusteringSize; i++) {
      const test = this.clusterings[i];
      const start = c.clusteringStart[i]!;
      if (!test || start < 0 || start === c.clusteringEnd[i]!) continue;
      if (test(c.in.buf, start, c.clusteringEnd[i]!)) continue;
      const type = this.options.header.clusteringTypes[i]!;
      this.tell(
        'value',
        `clustering ${i + 1}: ${reasonAgainst(type, undefined, c.in.buf, start, c.clusteringEnd[i]!)}`,
      );
    }
  }

  private marker(kind: number): void {
    const { c, open, collector } = this;
    this.markers++;
    const { deletion, openDeletion } = c;
    collector.updateBound(kind, c.in.buf, c.clusteringStart, c.clusteringEnd, c.clusteringSize);
    collector.updateDeletion(deletion.hi, deletion.lo, deletion.localDeletionSeconds);
    this.deletion(deletion, 'range deletion');
    if (isBoundary(kind)) {
      collector.updateDeletion(openDeletion.hi, openDeletion.lo, openDeletion.localDeletionSeconds);
      this.deletion(openDeletion, 'range deletion');
      this.closes(deletion);
      open.set(openDeletion.hi, openDeletion.lo, openDeletion.localDeletionSeconds);
    } else if (isOpen(kind)) {
      if (open.isSet) this.tell('range-tombstone', 'a range deletion begins within another');
      open.set(deletion.hi, deletion.lo, deletion.localDeletionSeconds);
    } else {
      this.closes(deletion);
      open.clear();
    }
  }

  private closes({ hi, lo, localDeletionSeconds }: DeletionSlot): void {
    const { open } = this;
    if (!open.isSet) {
      this.tell('range-tombstone', 'a range deletion ends that has not begun');
    } else if (open.hi !== hi || open.lo !== lo || open.localDeletionSeconds !== localDeletionSeconds) {
      this.tell('range-tombstone', 'a range deletion ends with other times than it began with', {
        seen: `deleted at ${localDeletionSeconds}`,
        expected: `deleted at ${open.localDeletionSeconds}`,
      });
    }
  }

  private row(tests: readonly ColumnTest[]): void {
    const { c, collector } = this;
    if (c.hasLiveness) {
      collector.updateLiveness(c.livenessHi, c.livenessLo, c.livenessTtl, c.livenessLocalExpiration);
      this.timestamp(c.livenessHi, c.livenessLo);
      if (c.livenessTtl !== 0) this.expiry(c.livenessTtl, c.livenessLocalExpiration);
    }
    const plain = c.plainCells();
    if (plain > 0) {
      testPlainCells(tests, c.in.buf, c.plainStart, this);
      this.cells += plain;
      collector.addCells(plain);
      collector.updateRow(plain);
      return;
    }
    if (c.hasDeletion) {
      const { hi, lo, localDeletionSeconds } = c.deletion;
      collector.updateDeletion(hi, lo, localDeletionSeconds);
      this.deletion(c.deletion, 'row deletion');
    }
    this.columnsSet = 0;
    while (c.nextColumn()) {
      const test = tests[c.columnIndex]!;
      if (test.isComplex) this.complexColumn(test);
      else this.simpleColumn(test);
    }
    collector.updateRow(this.columnsSet);
  }

  private simpleColumn(test: ColumnTest): void {
    const { c } = this;
    this.columnsSet++;
    c.nextCell();
    this.cell(test);
    if (test.isCounter && !c.cellIsDeleted && c.valueEnd - c.valueStart >= 2) this.counter();
  }

  private counter(): void {
    const { c } = this;
    try {
      if (hasLegacyShards(c.in.buf, c.valueStart, c.valueEnd)) this.collector.setHasLegacyCounterShards();
    } catch {
      // told as a value
    }
  }

  private complexColumn(test: ColumnTest): void {
    const { c } = this;
    if (c.hasComplexDeletion) {
      const { hi, lo, localDeletionSeconds } = c.complexDeletion;
      this.collector.updateDeletion(hi, lo, localDeletionSeconds);
      this.deletion(c.complexDeletion, 'deletion of a collection');
    }
    if (c.cellsLeft > 0) this.columnsSet++;
    const compare = this.pathComparators.get(test)!;
    let beforeStart = -1;
    let beforeEnd = -1;
    while (c.nextCell()) {
      const { buf } = c.in;
      const { pathStart, pathEnd } = c;
      if (test.path && !test.path(buf, pathStart, pathEnd)) {
        const reason = validateValue(pathType(test.type), buf, pathStart, pathEnd);
        this.tell('value', `path of a cell of ${c.column.name}: ${reason}`);
      }
      if (beforeStart >= 0 && this.isDisordered(compare, beforeStart, beforeEnd)) {
        this.tell('cell', `cells of ${c.column.name} are out of order or twice there`);
      }
      beforeStart = pathStart;
      beforeEnd = pathEnd;
      this.cell(test);
    }
  }

  private isDisordered(compare: ValueComparator, start: number, end: number): boolean {
    const { c } = this;
    const { buf } = c.in;
    try {
      return compare(buf, start, end, buf, c.pathStart, c.pathEnd) >= 0;
    } catch {
      return false; // told as a value
    }
  }

  /** The cell on which the cursor stands. */
  private cell(test: ColumnTest): void {
    const { c } = this;
    this.cells++;
    this.collector.updateCell(c.cellHi, c.cellLo, c.cellTtl, c.cellLocalDeletion);
    this.timestamp(c.cellHi, c.cellLo);
    if (c.cellTtl !== 0 || c.cellLocalDeletion !== NO_DELETION_TIME) this.expiry(c.cellTtl, c.cellLocalDeletion);
    const { valueStart, valueEnd } = c;
    if (c.cellIsDeleted) {
      if (valueEnd > valueStart) this.tell('cell', `tombstone of ${c.column.name} has a value`);
      return;
    }
    if (test.isComplex && test.type.kind === 'udt') {
      this.fieldValue(test);
    } else if (valueEnd === valueStart) {
      if (!test.emptyIsValue) this.failed(test, c.columnIndex, valueStart, valueEnd);
    } else if (test.value && !test.value(c.in.buf, valueStart, valueEnd)) {
      this.failed(test, c.columnIndex, valueStart, valueEnd);
    }
  }

  private fieldValue(test: ColumnTest): void {
    const { c } = this;
    const { buf } = c.in;
    let reason: string | undefined;
    try {
      const type = cellValueType(test.type, buf.subarray(c.pathStart, c.pathEnd));
      reason = validateValue(type, buf, c.valueStart, c.valueEnd);
    } catch (error) {
      reason = (error as Error).message;
    }
    if (reason !== undefined) this.tell('value', `${c.column.name}: ${reason}`);
  }

  /** A cell's value is not of its type. */
  failed(test: ColumnTest, column: number, start: number, end: number): void {
    const { c } = this;
    const { header } = this.options;
    const name = (c.isStatic ? header.staticColumns : header.regularColumns)[column]!.name;
    const path = test.isComplex ? c.in.buf.subarray(c.pathStart, c.pathEnd) : undefined;
    this.tell('value', `${name}: ${reasonAgainst(test.type, path, c.in.buf, start, end)}`, {
      seen: `0x${Buffer.from(c.in.buf.subarray(start, Math.min(end, start + 32))).toString('hex')}`,
    });
  }

  private timestamp(hi: number, lo: number): void {
    const { futureHi, futureLo } = this.options;
    if (hi < futureHi || compare64(hi, lo, futureHi, futureLo) <= 0) return;
    this.tell('timestamp-future', 'was written with a timestamp in the future', {
      seen: `${(BigInt(hi) << 32n) | BigInt(lo >>> 0)} µs`,
    });
  }

  private expiry(ttl: number, localDeletion: number): void {
    if (localDeletion === INVALID_DELETION_TIME) this.tellDeletionTime(ttl === 0 ? 'deletion of a cell' : 'expiry');
    else if (ttl !== 0 && localDeletion === NO_DELETION_TIME) this.tell('deletion-time', 'has a TTL and never expires');
    if (ttl > MAX_TTL_SECONDS && ttl !== EXPIRED_LIVENESS_TTL) {
      this.tell('ttl', 'has a TTL above 20 years', { seen: `${ttl} s`, expected: `at most ${MAX_TTL_SECONDS} s` });
    }
  }

  private deletion(slot: DeletionSlot, what: string): void {
    if (slot.localDeletionSeconds === INVALID_DELETION_TIME) this.tellDeletionTime(what);
    this.timestamp(slot.hi, slot.lo);
  }

  private tellDeletionTime(what: string): void {
    this.tell('deletion-time', `${what} at a time that is negative or out of range`);
  }

  private tell(
    rule: RuleId,
    message: string,
    compared: { readonly seen?: string; readonly expected?: string } = {},
    offset = this.c.position,
  ): void {
    const { c } = this;
    const partition = this.options.nameOf(c.key, c.keyLength);
    this.log.add(rule, message, { component: COMPONENT.data, offset, partition, ...compared });
  }

  private clusteringText(): string {
    const { c } = this;
    const values = Array.from({ length: c.clusteringSize }, (_, i) => {
      const start = c.clusteringStart[i]!;
      return start < 0 ? 'null' : `0x${Buffer.from(c.in.buf.subarray(start, c.clusteringEnd[i]!)).toString('hex')}`;
    });
    return `clustering ${values.join(', ').slice(0, 200)}`;
  }
}
