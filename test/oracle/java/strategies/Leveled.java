package org.apache.cassandra.db.compaction;

import java.io.PrintStream;
import java.lang.reflect.Field;
import java.util.*;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.lifecycle.MadeUpTable;
import org.apache.cassandra.io.sstable.format.MadeUpSSTable;
import org.apache.cassandra.io.sstable.format.MadeUpSSTable.Facts;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.io.sstable.metadata.StatsMetadata;

/** Layouts of levels. A pick adds `; uplevel LEVEL` or `; compaction|tombstones LEVEL BYTES`, BYTES those of an SSTable of the output. */
class Leveled extends Strategies.Mode {
  static final long MIB = 1 << 20;
  /** Tokens of many zeros: a text of them packs well, and ends meet. */
  static final long ROUND = 100_000_000_000_000L;

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
    int inLevel0 = Strategies.pick(r, 0, 0, 0, 1, 1, 2, 3, 4, 6, 8, 20, 31, 33, 45);
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
    if (all.isEmpty()) all.add(sstables.get(0));
    sstables.clear();
    sstables.addAll(all);
    // Sizes and ages that are equal for two would leave it to hashes which of them is taken.
    for (int i = 0; i < all.size(); i++) {
      Facts f = all.get(i);
      f.generation = i + 1;
      f.repairedAt = all.get(0).repairedAt;
      f.onDiskBytes = f.onDiskBytes / 4096 * 4096 + 1024 + i;
      simplify(f, i);
    }
  }

  /** Says less in fewer figures, so that a text of it packs well. Ages are of no two SSTables the same. */
  static void simplify(Facts f, int number) {
    f.maxTimestamp = f.maxTimestamp / 10_000_000_000L * 10_000_000_000L + number;
    f.minTimestamp = f.maxTimestamp - Math.max(0, f.maxTimestamp - f.minTimestamp) / 100_000_000_000L * 100_000_000_000L;
    f.firstToken = f.firstToken / ROUND * ROUND;
    f.lastToken = f.lastToken / ROUND * ROUND;
    f.createdMillis = f.createdMillis / 10_000_000 * 10_000_000;
    f.plainBytes = f.onDiskBytes;
    f.componentBytes = f.onDiskBytes + 5000;
    f.keys = Long.highestOneBit(f.keys);
    f.coverage = Double.isNaN(f.coverage) ? f.coverage : (float) f.coverage;
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
    int count = level > 3 ? 1 + r.nextInt(5) : (int) Math.max(1, Math.min(r.nextInt(5) == 0 ? 60 : 15, Math.round(Math.pow(fanout, level) * fill)));
    long bytes = level > 3 ? size : (long) (Math.pow(fanout, level) * size * fill / count);
    long[] ends = r.longs(2L * count).sorted().toArray();
    boolean isMessy = r.nextInt(4) == 0;
    List<Facts> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Facts f = Strategies.layout(r, now, now / 1000).get(0);
      f.level = level;
      f.onDiskBytes = Math.max(1000, (long) (bytes * (r.nextInt(4) == 0 ? 0.5 + r.nextDouble() : 1)));
      f.firstToken = ends[2 * i];
      f.lastToken = isMessy && r.nextInt(5) == 0 ? ends[Math.min(2 * count - 1, 2 * i + 1 + r.nextInt(6))] : r.nextInt(20) == 0 ? f.firstToken : ends[2 * i + 1];
      all.add(f);
    }
    if (r.nextBoolean()) Collections.shuffle(all, r);
    return all;
  }

  /** The store's own strategy has sent down some SSTables by now, those that came last by their hashes. */
  @Override AbstractCompactionStrategy make(ColumnFamilyStore store, Map<String, String> options) throws ReflectiveOperationException {
    for (SSTableReader s : store.getLiveSSTables()) ((MadeUpSSTable) s).mutateLevelAndReload(((MadeUpSSTable) s).facts.level);
    return super.make(store, options);
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

  /**
   * One compaction after the other, each done before the next is asked for. Then, after E
   *
   *   N inputs as of a P line, by their places among the S and R lines; nothing where nothing is left to do
   *   R an SSTable that came out
   */
  static class Rounds extends Leveled {
    static final int COUNT = 60;

    @Override Map<String, String> options(Random r) {
      Map<String, String> o = super.options(r);
      o.put("sstable_size_in_mb", "1");
      o.put("fanout_size", "" + Strategies.pick(r, 2, 3));
      return o;
    }

    /** Much in level 1, and little far above. */
    @Override void shape(Random r, List<Facts> sstables, Map<String, String> options, long now) {
      super.shape(r, sstables, options, now);
      if (r.nextInt(4) == 0) return;
      sstables.removeIf(f -> f.level != 2);
      int count = 30 + r.nextInt(20), top = 4 + r.nextInt(4);
      for (int i = 0; i < count + 8; i++) {
        Facts f = Strategies.layout(r, now, now / 1000).get(0);
        long step = (i < count ? Long.MAX_VALUE / count : Long.MAX_VALUE / 8) / ROUND * 2 * ROUND;
        f.level = i < count ? 1 : top;
        f.firstToken = Long.MIN_VALUE / ROUND * ROUND + (i < count ? i : i - count) * step + ROUND;
        f.lastToken = f.firstToken + (i < count ? step - 2 * ROUND : step / 50 / ROUND * ROUND);
        f.onDiskBytes = MIB - i;
        f.tombstones.clear();
        f.generation = 5000 + i;
        simplify(f, 500 + i);
        sstables.add(f);
      }
      for (Facts f : sstables) f.repairedAt = sstables.get(0).repairedAt;
    }

    @Override List<Strategies.Picked> picks(AbstractCompactionStrategy strategy, long gcBefore) { return List.of(); }

    @Override void goOn(MadeUpTable table, AbstractCompactionStrategy strategy, List<SSTableReader> places, long gcBefore, PrintStream out) {
      for (int round = 1; round <= COUNT; round++) {
        AbstractCompactionTask task = strategy.getNextBackgroundTask(gcBefore);
        if (task == null) {
          out.println("N");
          break;
        }
        Set<SSTableReader> inputs = Set.copyOf(task.transaction.originals());
        out.println("N" + Strategies.places(inputs, places) + also(task));
        int level = Integer.parseInt(also(task).split(" ")[3]);
        task.transaction.abort();
        List<SSTableReader> outputs;
        if (task instanceof SingleSSTableLCSTask) {
          MadeUpSSTable one = (MadeUpSSTable) inputs.iterator().next();
          StatsMetadata before = one.getSSTableMetadata();
          one.mutateLevelAndReload(level);
          one.facts.level = level;
          strategy.metadataChanged(before, one);
          outputs = List.of(one);
          places.set(places.indexOf(one), null);
        } else {
          outputs = outputs(table, inputs, level, round, also(task).endsWith("" + Long.MAX_VALUE));
          table.replace(inputs, outputs);
          strategy.replaceSSTables(inputs, outputs);
        }
        for (SSTableReader s : outputs) out.println("R " + Strategies.line((MadeUpSSTable) s, gcBefore));
        places.addAll(outputs);
      }
    }

    /** As many as came in, or one, side by side where they are. */
    private static List<SSTableReader> outputs(MadeUpTable table, Set<SSTableReader> inputs, int level, int round, boolean isOne) {
      long first = inputs.stream().mapToLong(s -> ((MadeUpSSTable) s).facts.firstToken).min().getAsLong() / ROUND;
      long last = inputs.stream().mapToLong(s -> ((MadeUpSSTable) s).facts.lastToken).max().getAsLong() / ROUND;
      long bytes = inputs.stream().mapToLong(SSTableReader::onDiskLength).sum();
      int count = isOne || level == 0 ? 1 : (int) Math.max(1, Math.min(Math.ceil(bytes / (double) MIB), (last - first) / 2));
      List<SSTableReader> outputs = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        Facts f = new Facts();
        f.generation = 10_000 + round * 500 + i;
        f.level = level;
        f.onDiskBytes = f.plainBytes = bytes / count;
        f.componentBytes = f.onDiskBytes + 5000;
        f.createdMillis = MadeUpTable.StandingClock.millis + round;
        f.firstToken = (first + (last - first) * i / count + (i == 0 ? 0 : 1)) * ROUND;
        f.lastToken = (first + (last - first) * (i + 1) / count) * ROUND;
        f.maxTimestamp = inputs.stream().mapToLong(SSTableReader::getMaxTimestamp).max().getAsLong();
        f.minTimestamp = inputs.stream().mapToLong(SSTableReader::getMinTimestamp).min().getAsLong();
        f.keys = 100;
        f.repairedAt = ((MadeUpSSTable) inputs.iterator().next()).facts.repairedAt;
        outputs.add(MadeUpSSTable.make(f, table.table));
      }
      return outputs;
    }
  }
}
