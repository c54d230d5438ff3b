package org.apache.cassandra.io.sstable.format;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.*;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.cassandra.db.*;
import org.apache.cassandra.db.commitlog.IntervalSet;
import org.apache.cassandra.db.filter.ColumnFilter;
import org.apache.cassandra.db.partitions.UnfilteredPartitionIterator;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.dht.*;
import org.apache.cassandra.io.sstable.*;
import org.apache.cassandra.io.sstable.metadata.StatsMetadata;
import org.apache.cassandra.io.util.File;
import org.apache.cassandra.schema.TableMetadataRef;
import org.apache.cassandra.utils.*;
import org.apache.cassandra.utils.streamhist.*;

/** An SSTable without files: its metadata are of Cassandra's own classes, filled with made-up facts, and what is asked of files is answered from these. */
public class MadeUpSSTable extends SSTableReader {
  /** How many keys an SSTable has for estimates of a part of them: at equal distances from its first token to its last. */
  static final int SAMPLES = 8;

  public static class Facts {
    public int generation, level;
    public long onDiskBytes, componentBytes, plainBytes, createdMillis;
    public long firstToken, lastToken;
    public long minTimestamp, maxTimestamp, maxLocalDeletion = Cell_NO_DELETION;
    /** Seconds at which a deletion may go, and how many such. */
    public final List<long[]> tombstones = new ArrayList<>();
    /** Cells of a partition, and how many partitions have as many. */
    public final List<long[]> cells = new ArrayList<>();
    public long keys, repairedAt;
    public boolean isInformative = true;
    public double coverage = Double.NaN;
  }

  public static final long Cell_NO_DELETION = org.apache.cassandra.db.rows.Cell.NO_DELETION_TIME;

  public Facts facts;
  private Interval<PartitionPosition, SSTableReader> interval;

  private MadeUpSSTable() { super(null, null); throw new IllegalStateException(); }

  public static MadeUpSSTable make(Facts facts, TableMetadataRef table) {
    try {
      MadeUpSSTable made = (MadeUpSSTable) UNSAFE.allocateInstance(MadeUpSSTable.class);
      DecoratedKey first = key(facts.firstToken), last = key(facts.lastToken);
      made.facts = facts;
      made.interval = Interval.create(first, last, made);
      put(SSTable.class, made, "descriptor", new Descriptor(new File("/made/up"), table.keyspace, table.name, new SequenceBasedSSTableId(facts.generation)));
      put(SSTable.class, made, "components", Collections.emptySet());
      put(SSTable.class, made, "metadata", table);
      put(SSTableReader.class, made, "instanceId", TimeUUID.Generator.nextTimeUUID(UNIQUE_IDENTIFIER_FACTORY));
      put(SSTableReader.class, made, "isSuspect", new AtomicBoolean());
      put(SSTableReader.class, made, "openReason", OpenReason.NORMAL);
      put(SSTableReader.class, made, "first", first);
      put(SSTableReader.class, made, "last", last);
      put(SSTableReader.class, made, "bounds", AbstractBounds.bounds(first.getToken(), true, last.getToken(), true));
      made.sstableMetadata = metadataOf(facts);
      return made;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static StatsMetadata metadataOf(Facts f) {
    EstimatedHistogram cells = new EstimatedHistogram(118);
    for (long[] c : f.cells) for (long n = 0; n < c[1]; n++) cells.add(c[0]);
    StreamingTombstoneHistogramBuilder tombstones = new StreamingTombstoneHistogramBuilder(100, 0, 1);
    for (long[] t : f.tombstones) tombstones.update(t[0], (int) t[1]);
    ByteBuffer nothing = ByteBuffer.allocate(0);
    return new StatsMetadata(new EstimatedHistogram(155), cells, IntervalSet.empty(), f.minTimestamp, f.maxTimestamp, 0, f.maxLocalDeletion, 0, 0, -1, tombstones.build(),
        f.level, Collections.emptyList(), Slice.ALL, false, f.repairedAt, 1, 1, f.coverage, null, null, false, false, nothing, nothing);
  }

  private static DecoratedKey key(long token) {
    return new BufferDecoratedKey(new Murmur3Partitioner.LongToken(token), ByteBuffer.allocate(8).putLong(0, token));
  }

  private static final sun.misc.Unsafe UNSAFE;
  static {
    try {
      Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      UNSAFE = (sun.misc.Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void put(Class<?> of, Object object, String name, Object value) throws ReflectiveOperationException {
    UNSAFE.putObject(object, UNSAFE.objectFieldOffset(of.getDeclaredField(name)), value);
  }

  @Override public Interval<PartitionPosition, SSTableReader> getInterval() { return interval; }
  @Override public long onDiskLength() { return facts.onDiskBytes; }
  @Override public long bytesOnDisk() { return facts.componentBytes; }
  @Override public long uncompressedLength() { return facts.plainBytes; }
  @Override public long getDataCreationTime() { return facts.createdMillis; }
  @Override public long estimatedKeys() { return facts.keys; }
  @Override public boolean isEstimationInformative() { return facts.isInformative; }
  @Override public void setupOnline() { }
  @Override public void mutateLevelAndReload(int level) { sstableMetadata = sstableMetadata.mutateLevel(level); }
  @Override public boolean isMarkedCompacted() { return false; }

  /** An eighth of the keys for each sample in the ranges. */
  @Override public long estimatedKeysForRanges(Collection<Range<Token>> ranges) {
    long in = 0;
    java.math.BigInteger first = java.math.BigInteger.valueOf(facts.firstToken), width = java.math.BigInteger.valueOf(facts.lastToken).subtract(first);
    for (int i = 0; i < SAMPLES; i++) {
      long token = first.add(width.multiply(java.math.BigInteger.valueOf(i)).divide(java.math.BigInteger.valueOf(SAMPLES - 1))).longValue();
      if (Range.isInRanges(new Murmur3Partitioner.LongToken(token), ranges)) in++;
    }
    return facts.keys * in / SAMPLES;
  }

  private static UnsupportedOperationException none() { return new UnsupportedOperationException("a made-up SSTable has no data"); }
  @Override public SSTableReader cloneWithRestoredStart(DecoratedKey k) { throw none(); }
  @Override public SSTableReader cloneWithNewStart(DecoratedKey k) { throw none(); }
  @Override public void releaseInMemoryComponents() { throw none(); }
  @Override public Iterable<DecoratedKey> getKeySamples(Range<Token> r) { throw none(); }
  @Override protected AbstractRowIndexEntry getRowIndexEntry(PartitionPosition k, Operator o, boolean b, SSTableReadsListener l) { throw none(); }
  @Override public KeyReader keyReader() { throw none(); }
  @Override public DecoratedKey firstKeyBeyond(PartitionPosition p) { throw none(); }
  @Override public DecoratedKey keyAtPositionFromSecondaryIndex(long p) { throw none(); }
  @Override public boolean mayContainAssumingKeyIsInRange(DecoratedKey k) { throw none(); }
  @Override public IVerifier getVerifier(ColumnFamilyStore c, OutputHandler h, boolean b, IVerifier.Options o) { throw none(); }
  @Override public UnfilteredRowIterator rowIterator(DecoratedKey k, Slices s, ColumnFilter f, boolean b, SSTableReadsListener l) { throw none(); }
  @Override public UnfilteredPartitionIterator partitionIterator(ColumnFilter f, DataRange r, SSTableReadsListener l) { throw none(); }
}
