package org.apache.cassandra.db.compaction;

import java.io.PrintStream;
import java.lang.reflect.Field;
import java.util.*;
import java.util.stream.*;
import org.apache.cassandra.db.lifecycle.MadeUpTable;
import org.apache.cassandra.io.sstable.format.MadeUpSSTable;
import org.apache.cassandra.io.sstable.format.MadeUpSSTable.Facts;
import org.apache.cassandra.io.sstable.format.SSTableReader;

/** Layouts of levels. A pick adds `; uplevel LEVEL` or `; compaction|tombstones LEVEL BYTES`, BYTES those of an SSTable of the output. */
class Leveled extends Strategies.Mode {
  static final long MIB = 1 << 20;

  @Override Class<? extends AbstractCompactionStrategy> strategy() { return LeveledCompactionStrategy.class; }

  @Override Map<String, String> options(Random r) {
    Map<String, String> o = Strategies.tombstones(r, Strategies.buckets(r, Strategies.thresholds(r, new TreeMap<>())));
    o.put("sstable_size_in_mb", "" + Strategies.pick(r, 1, 1, 2, 5));
    Strategies.maybe(r, 0.7, o, "fanout_size", "" + Strategies.pick(r, 2, 3, 4, 10));
    Strategies.maybe(r, 0.5, o, "single_sstable_uplevel", Strategies.pick(r, "true", "false"));
    return o;
  }

  /** In the order in which they come at the start: of two that overlap in a level the first stays. */
  @Override List<SSTableReader> order(MadeUpTable table) {
    List<SSTableReader> all = new ArrayList<>(table.uncompacting());
    all.sort(Comparator.comparingInt(s -> ((MadeUpSSTable) s).facts.generation));
    return all;
  }

  @Override void shape(Random r, List<Facts> sstables, Map<String, String> options, long now) {
    long size = Long.parseLong(options.get("sstable_size_in_mb")) * MIB;
    int fanout = Integer.parseInt(options.getOrDefault("fanout_size", "10"));
    Iterator<Facts> models = List.copyOf(sstables).iterator();
    List<Facts> all = new ArrayList<>();
    int inLevel0 = Strategies.pick(r, 0, 0, 1, 2, 3, 6, 20, 31, 33, 34, 45);
    boolean isSmall = r.nextBoolean(), isNarrow = r.nextBoolean();
    for (int i = 0; i < inLevel0; i++) {
      Facts f = Strategies.layout(r, now, now / 1000).get(0);
      f.onDiskBytes = (long) (size * (isSmall ? 0.3 : 3) * r.nextDouble() * r.nextDouble()) + 100;
      Strategies.spanOf(r, f, isNarrow ? 1 + r.nextInt(2) : r.nextInt(4));
      all.add(f);
    }
    int highest = Strategies.pick(r, 0, 1, 1, 2, 2, 3, 3, 4, 8);
    for (int level = 1; level <= highest; level++) if (level < 4 || level == highest) all.addAll(level(r, level, size, fanout, now));
    if (r.nextInt(4) == 0) Collections.shuffle(all, r);
    boolean keepsRatios = r.nextBoolean();
    for (Facts f : all) if (models.hasNext() && keepsRatios) take(models.next(), f);
    sstables.clear();
    sstables.addAll(all);
    // Sizes and ages that are equal for two would leave it to hashes which of them is taken.
    for (int i = 0; i < all.size(); i++) {
      Facts f = all.get(i);
      f.generation = i + 1;
      f.repairedAt = all.get(0).repairedAt;
      f.onDiskBytes = f.onDiskBytes / 128 * 128 + i % 128;
      f.componentBytes = f.onDiskBytes + 5000;
      f.maxTimestamp = f.maxTimestamp / 512 * 512 + i % 512;
      f.minTimestamp = Math.min(f.minTimestamp, f.maxTimestamp);
    }
  }

  /** What makes a compaction for tombstones worth while. */
  private static void take(Facts from, Facts to) {
    to.tombstones.clear(); to.tombstones.addAll(from.tombstones);
    to.cells.clear(); to.cells.addAll(from.cells);
    to.maxLocalDeletion = from.maxLocalDeletion; to.createdMillis = from.createdMillis;
    to.keys = from.keys; to.isInformative = from.isInformative; to.repairedAt = from.repairedAt;
  }

  /** SSTables in the order of keys, as many as fill the level more or less; a few overlap. */
  private static List<Facts> level(Random r, int level, long size, int fanout, long now) {
    double fill = Strategies.pick(r, 0.3, 0.8, 0.99, 1.0, 1.002, 1.1, 1.6);
    int count = level > 3 ? 1 + r.nextInt(5) : (int) Math.max(1, Math.min(60, Math.round(Math.pow(fanout, level) * fill)));
    long bytes = level > 3 ? size : (long) (Math.pow(fanout, level) * size * fill / count);
    long[] ends = r.longs(2L * count).sorted().toArray();
    boolean isMessy = r.nextInt(4) == 0;
    List<Facts> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Facts f = Strategies.layout(r, now, now / 1000).get(0);
      f.level = level;
      f.onDiskBytes = Math.max(1000, (long) (bytes * (r.nextInt(3) == 0 ? 0.5 + r.nextDouble() : 1)));
      f.firstToken = ends[2 * i];
      f.lastToken = isMessy && r.nextInt(5) == 0 ? ends[Math.min(2 * count - 1, 2 * i + 1 + r.nextInt(6))] : r.nextInt(20) == 0 ? f.firstToken : ends[2 * i + 1];
      all.add(f);
    }
    if (r.nextBoolean()) Collections.shuffle(all, r);
    return all;
  }

  @Override List<Strategies.Picked> picks(AbstractCompactionStrategy strategy, long gcBefore) {
    AbstractCompactionTask task = strategy.getNextBackgroundTask(gcBefore);
    return task == null ? List.of() : List.of(new Strategies.Picked(task.transaction, also(task)));
  }

  static String also(AbstractCompactionTask task) {
    try {
      if (task instanceof SingleSSTableLCSTask) return " ; uplevel " + field(task, SingleSSTableLCSTask.class, "level");
      String kind = task.compactionType == OperationType.TOMBSTONE_COMPACTION ? "tombstones" : "compaction";
      return " ; " + kind + " " + field(task, LeveledCompactionTask.class, "level") + " " + field(task, LeveledCompactionTask.class, "maxSSTableBytes");
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object field(Object of, Class<?> in, String name) throws ReflectiveOperationException {
    Field field = in.getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }
}
