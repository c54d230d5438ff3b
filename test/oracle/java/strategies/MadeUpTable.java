package org.apache.cassandra.db.lifecycle;

import com.google.common.collect.ImmutableList;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.util.*;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.db.*;
import org.apache.cassandra.db.marshal.BytesType;
import org.apache.cassandra.dht.Murmur3Partitioner;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.io.util.File;
import org.apache.cassandra.schema.*;
import org.apache.cassandra.utils.Clock;
import org.apache.cassandra.utils.DefaultValue;

/** A table of a node that is none: Cassandra's own store, with SSTables of whatever sort in its view, no memtable, and a clock that stands. */
public class MadeUpTable {
  /** Named by -Dcassandra.clock. */
  public static class StandingClock implements Clock {
    public static volatile long millis = 1_700_000_000_000L;
    @Override public long nanoTime() { return System.nanoTime(); }
    @Override public long currentTimeMillis() { return millis; }
  }

  public final ColumnFamilyStore store;
  public final TableMetadataRef table;

  public MadeUpTable() throws Exception {
    DatabaseDescriptor.clientInitialization(false);
    DatabaseDescriptor.setPartitionerUnsafe(Murmur3Partitioner.instance);
    TableMetadata metadata = TableMetadata.builder("ks", "t").id(TableId.fromString("8ad5a3f0-e54e-11f1-98cd-d3aa1f4bbca0"))
        .partitioner(Murmur3Partitioner.instance).addPartitionKeyColumn("k", BytesType.instance).build();
    table = TableMetadataRef.forOfflineTools(metadata);
    Keyspace keyspace = Keyspace.mockKS(KeyspaceMetadata.create("ks", KeyspaceParams.simple(1), Tables.of(metadata)));
    File directory = new File(Files.createTempDirectory("strategies").toFile());
    directory.deleteRecursiveOnExit();
    Directories directories = new Directories(metadata, Collections.singleton(new Directories.DataDirectory(directory)));
    store = ColumnFamilyStore.createColumnFamilyStore(keyspace, "t", table, directories, false, false, true);
  }

  /** The table gets these SSTables and options, and forgets what it had. */
  public void fill(Collection<? extends SSTableReader> sstables, Map<String, String> options) {
    Map<SSTableReader, SSTableReader> none = Collections.emptyMap();
    store.getTracker().apply(view -> new View(ImmutableList.of(), ImmutableList.of(), none, none, SSTableIntervalTree.empty()));
    store.getTracker().apply(View.updateLiveSet(Collections.emptySet(), new ArrayList<>(sstables)));
    CompactionParams params = CompactionParams.fromMap(options);
    store.getCompactionStrategyManager().overrideLocalParams(params);
    store.disableAutoCompaction();
    set("minCompactionThreshold", params.minCompactionThreshold());
    set("maxCompactionThreshold", params.maxCompactionThreshold());
  }

  /** The store's own setter would start compactions. */
  @SuppressWarnings("unchecked")
  private void set(String threshold, int value) {
    try {
      Field field = ColumnFamilyStore.class.getDeclaredField(threshold);
      field.setAccessible(true);
      ((DefaultValue<Integer>) field.get(store)).set(value);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  public void replace(Set<SSTableReader> removed, Collection<SSTableReader> added) { store.getTracker().apply(View.updateLiveSet(removed, added)); }

  /** In the order in which strategies see them. */
  public List<SSTableReader> uncompacting() { return ImmutableList.copyOf(store.getUncompactingSSTables()); }
}
