package org.apache.cassandra.db.compaction;

import java.io.*;
import java.util.*;
import java.util.stream.*;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import org.apache.cassandra.db.lifecycle.LifecycleTransaction;
import org.apache.cassandra.db.lifecycle.MadeUpTable;
import org.apache.cassandra.exceptions.ConfigurationException;
import org.apache.cassandra.io.sstable.format.MadeUpSSTable;
import org.apache.cassandra.io.sstable.format.MadeUpSSTable.Facts;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.schema.CompactionParams;

/**
 * What Cassandra's own strategies pick in random layouts of SSTables: `Strategies MODE SEED COUNT [round]`, MODE one of MODES below. Started by
 * test/oracle/strategies.ts, read by test/engine/strategies/layouts.ts. For each layout
 *
 *   L seed now=MILLIS gc=SECONDS class=NAME OPTION=VALUE...
 *   S onDisk components plain created level firstToken lastToken minTimestamp maxTimestamp maxDeletion|- droppable keys cellCount cellMean informative repairedAt coverage
 *   O ... the same, of an SSTable in another repair state, that only overlaps
 *   P what the mode says of a pick: inputs by their place among the S lines, from 0, in ascending order; then what it adds
 *   A inputs that Cassandra could have picked first instead, where it leaves that to chance
 *   E estimated remaining tasks
 *
 * S lines come in the order in which the strategy walks them: where two would do as well, it takes the first. Nothing to do: no P line.
 * Another strategy is another Mode, and a line in MODES. `Strategies options` reads lines OPTION=VALUE;... and says `ok` and their values, or which option is refused.
 */
public class Strategies {
  abstract static class Mode {
    /** Without class; what is not there has its default. */
    abstract Map<String, String> options(Random r);
    abstract Class<? extends AbstractCompactionStrategy> strategy();
    /** Changes what all layouts have in common to what this strategy looks at. */
    void shape(Random r, List<Facts> sstables, Map<String, String> options, long now) { }
    AbstractCompactionStrategy make(org.apache.cassandra.db.ColumnFamilyStore store, Map<String, String> options) throws ReflectiveOperationException {
      return strategy().getConstructor(org.apache.cassandra.db.ColumnFamilyStore.class, Map.class).newInstance(store, options);
    }
    /** What chance could have chosen in place of the first pick. */
    Collection<? extends Set<SSTableReader>> alternatives() { return List.of(); }
    int estimatedTasks(AbstractCompactionStrategy strategy) { return strategy.getEstimatedRemainingTasks(); }
    /** What comes after the answer. */
    void goOn(MadeUpTable table, AbstractCompactionStrategy strategy, List<SSTableReader> places, long gcBefore, PrintStream out) { }
    /** Those of the table in the order in which this strategy walks them. */
    List<SSTableReader> order(MadeUpTable table) { return table.uncompacting(); }
    /** One line a pick: its inputs, and what else there is to it. The transactions are aborted afterwards. */
    List<Picked> picks(AbstractCompactionStrategy strategy, long gcBefore) {
      AbstractCompactionTask task = strategy.getNextBackgroundTask(gcBefore);
      return task == null ? List.of() : List.of(new Picked(task.transaction, ""));
    }
  }

  static class Picked {
    final LifecycleTransaction transaction; final String also;
    Picked(LifecycleTransaction transaction, String also) { this.transaction = transaction; this.also = also; }
  }

  static final Map<String, Mode> MODES = new TreeMap<>();
  static {
    MODES.put("stcs", new SizeTiered());
    MODES.put("twcs", new TimeWindow());
    MODES.put("lcs", new Leveled());
    MODES.put("lcs-rounds", new Leveled.Rounds());
    MODES.put("ucs", new Unified());
  }

  static class SizeTiered extends Mode {
    @Override Class<? extends AbstractCompactionStrategy> strategy() { return SizeTieredCompactionStrategy.class; }
    @Override Map<String, String> options(Random r) {
      Map<String, String> o = thresholds(r, new TreeMap<>());
      return tombstones(r, buckets(r, o));
    }
    /** A third has sizes that are halves and doubles of each other, or a few bytes: they end where buckets do. */
    @Override void shape(Random r, List<Facts> sstables, Map<String, String> options, long now) {
      if (isRound) round(sstables);
      int style = r.nextInt(6);
      if (style > 1) return;
      if (r.nextInt(3) > 0) options.put("min_sstable_size", "0");
      if (style == 0 && r.nextBoolean()) { options.put("bucket_high", "10"); options.put("min_threshold", "2"); }
      long unit = pick(r, 1L, 1000L, 65_536L, 1_000_003L, 1L << 33);
      for (Facts f : sstables) {
        f.onDiskBytes = style == 0 ? unit * (1L << r.nextInt(8)) * pick(r, 1, 2, 3) : 1 + r.nextInt(40);
        f.plainBytes = f.onDiskBytes;
        f.componentBytes = unit == 1 ? 5000 : f.onDiskBytes + 5000;
      }
    }
  }

  static class TimeWindow extends Mode {
    @Override Class<? extends AbstractCompactionStrategy> strategy() { return TimeWindowCompactionStrategy.class; }
    @Override Map<String, String> options(Random r) {
      Map<String, String> o = tombstones(r, buckets(r, thresholds(r, new TreeMap<>())));
      maybe(r, 0.7, o, "compaction_window_unit", pick(r, "MINUTES", "HOURS", "DAYS"));
      maybe(r, 0.7, o, "compaction_window_size", "" + pick(r, 1, 2, 3, 7, 10, 30));
      maybe(r, 0.2, o, "timestamp_resolution", pick(r, "SECONDS", "MILLISECONDS", "MICROSECONDS", "NANOSECONDS"));
      maybe(r, 0.1, o, "expired_sstable_check_frequency_seconds", pick(r, "0", "1", "86400", "9000000000", "9223372036854775807"));
      maybe(r, 0.3, o, "unsafe_aggressive_sstable_expiration", pick(r, "true", "false"));
      return o;
    }
    /**
     * Writes of a few windows, in units of the resolution, a few at the ends of time. No two are of one size: of such the strategy takes that which a
     * set of hashes has first.
     */
    @Override void shape(Random r, List<Facts> sstables, Map<String, String> options, long now) {
      if (isRound) round(sstables);
      Set<Long> sizes = new HashSet<>();
      for (Facts f : sstables) while (!sizes.add(f.onDiskBytes)) f.onDiskBytes++;
      long windowMillis = 60_000L * switchOf(options.getOrDefault("compaction_window_unit", "DAYS")) * Integer.parseInt(options.getOrDefault("compaction_window_size", "1"));
      double windows = pick(r, 0.8, 3.0, 10.0);
      String resolution = options.getOrDefault("timestamp_resolution", "MICROSECONDS");
      for (Facts f : sstables) {
        long millis = now - (long) (r.nextDouble() * windows * windowMillis);
        long least = millis - (long) (r.nextDouble() * windowMillis);
        if (isRound) { millis = millis / 60_000 * 60_000; least = least / 60_000 * 60_000; }
        f.maxTimestamp = inUnits(millis, resolution);
        f.minTimestamp = inUnits(least, resolution);
        if (r.nextInt(60) == 0) f.maxTimestamp = pick(r, Long.MAX_VALUE, Long.MAX_VALUE / 1000, -1L, 0L, -123_456_789_012_345L, now);
        f.minTimestamp = Math.min(f.minTimestamp, f.maxTimestamp);
      }
      if (r.nextInt(20) == 0) for (Facts f : sstables) { f.maxTimestamp = -f.maxTimestamp / 1000; f.minTimestamp = f.maxTimestamp; }
    }
    static long switchOf(String unit) { return unit.equals("MINUTES") ? 1 : unit.equals("HOURS") ? 60 : 1440; }
    static long inUnits(long millis, String unit) {
      switch (unit) {
        case "SECONDS": return millis / 1000;
        case "MILLISECONDS": return millis;
        case "MICROSECONDS": return millis * 1000 + 7;
        default: return millis * 1_000_000 + 7;
      }
    }
    @Override List<SSTableReader> order(MadeUpTable table) {
      return new ArrayList<>(Sets.newHashSet(AbstractCompactionStrategy.filterSuspectSSTables(ImmutableSet.copyOf(table.uncompacting()))));
    }
  }

  /** A fourth argument `round`: layouts of round numbers, which pack well. */
  static boolean isRound;

  static void round(List<Facts> sstables) {
    for (Facts f : sstables) {
      long unit = 1;
      while (f.onDiskBytes / unit >= 4096) unit *= 2;
      f.onDiskBytes -= f.onDiskBytes % unit;
      f.componentBytes -= f.componentBytes % unit;
      f.plainBytes = f.onDiskBytes;
      f.createdMillis -= f.createdMillis % 600_000;
      f.firstToken = f.firstToken >> 50 << 50;
      f.lastToken = f.lastToken >> 50 << 50;
      if (f.firstToken == Long.MIN_VALUE) f.firstToken = f.lastToken = 0;
      f.minTimestamp -= f.minTimestamp % 100_000_000_000L;
      f.maxTimestamp -= f.maxTimestamp % 100_000_000_000L;
      if (f.maxLocalDeletion != MadeUpSSTable.Cell_NO_DELETION) f.maxLocalDeletion -= f.maxLocalDeletion % 10_000;
      f.keys = Long.highestOneBit(f.keys);
      f.coverage = Double.NaN;
      for (long[] c : f.cells) { c[0] = Long.highestOneBit(c[0]); c[1] = Long.highestOneBit(c[1]); }
      for (long[] t : f.tombstones) t[1] = Long.highestOneBit(t[1]);
    }
  }

  @SafeVarargs static <T> T pick(Random r, T... of) { return of[r.nextInt(of.length)]; }
  static void maybe(Random r, double chance, Map<String, String> options, String name, String value) { if (r.nextDouble() < chance) options.put(name, value); }

  static Map<String, String> thresholds(Random r, Map<String, String> o) {
    int min = pick(r, 2, 2, 3, 4, 5, 8);
    maybe(r, 0.5, o, "min_threshold", "" + min);
    maybe(r, 0.4, o, "max_threshold", "" + Math.max(o.containsKey("min_threshold") ? min : 4, pick(r, 2, 4, 6, 10, 20)));
    return o;
  }

  static Map<String, String> buckets(Random r, Map<String, String> o) {
    maybe(r, 0.4, o, "min_sstable_size", pick(r, "0", "1000", "1048576", "10000000", "200000000"));
    maybe(r, 0.3, o, "bucket_low", pick(r, "0.1", "0.5", "0.66", "0.9", "0.99", "0"));
    maybe(r, 0.3, o, "bucket_high", pick(r, "1.0", "1.01", "1.2", "1.5", "2", "10"));
    return o;
  }

  static Map<String, String> tombstones(Random r, Map<String, String> o) {
    maybe(r, 0.4, o, "tombstone_threshold", pick(r, "0", "0.05", "0.2", "0.5", "0.9"));
    maybe(r, 0.4, o, "tombstone_compaction_interval", pick(r, "0", "3600", "86400", "864000"));
    maybe(r, 0.3, o, "unchecked_tombstone_compaction", pick(r, "true", "false"));
    maybe(r, 0.1, o, "only_purge_repaired_tombstones", pick(r, "true", "false"));
    return o;
  }

  /** What a strategy may look at, all of it random, in some style that the layout has. */
  static List<Facts> layout(Random r, long now, long gcBefore) {
    int count = r.nextInt(8) == 0 ? 20 + r.nextInt(50) : 1 + r.nextInt(20);
    int sizes = r.nextInt(4), spans = r.nextInt(4);
    long[] bases = r.longs(1 + r.nextInt(5), 0, 100).map(x -> (long) Math.exp(5 + x / 5.0)).toArray();
    double tombstones = pick(r, 0.0, 0.3, 1.0), expired = pick(r, 0.0, 0.1, 0.5, 1.0);
    long repairedAt = r.nextInt(3) == 0 ? now - 1_000_000 : 0;
    List<Facts> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Facts f = new Facts();
      f.generation = i + 1;
      f.onDiskBytes = sizeOf(r, sizes, bases);
      f.plainBytes = f.onDiskBytes + (long) (f.onDiskBytes * r.nextDouble() * 3);
      f.componentBytes = f.onDiskBytes + (long) (f.onDiskBytes * r.nextDouble() * pick(r, 0.01, 0.5)) + 5000;
      f.createdMillis = now - (long) (r.nextDouble() * pick(r, 3_600_000L, 200_000_000L, 2_000_000_000L));
      spanOf(r, f, spans);
      f.maxTimestamp = (now - (long) (r.nextDouble() * 2_000_000_000L)) * 1000;
      f.minTimestamp = f.maxTimestamp - (long) (r.nextDouble() * 2_000_000_000_000L);
      if (r.nextDouble() < expired) f.maxLocalDeletion = gcBefore + (long) ((r.nextDouble() - 0.7) * 1_000_000);
      f.keys = 1 + (long) Math.exp(r.nextDouble() * 15);
      f.isInformative = r.nextInt(10) > 0;
      for (int c = r.nextInt(4); c > 0; c--) f.cells.add(new long[] { 1 + (long) Math.exp(r.nextDouble() * 10), 1 + r.nextInt(50) });
      if (r.nextDouble() < tombstones) for (int t = 1 + r.nextInt(5); t > 0; t--) f.tombstones.add(new long[] { gcBefore + (long) ((r.nextDouble() - 0.7) * 1_000_000), 1 + r.nextInt(30000) });
      f.repairedAt = repairedAt;
      if (r.nextInt(3) == 0) f.coverage = r.nextDouble();
      all.add(f);
    }
    return all;
  }

  static long sizeOf(Random r, int style, long[] bases) {
    switch (style) {
      case 0: return (long) Math.exp(r.nextDouble() * 25);
      case 1: return 1 + (long) (r.nextDouble() * 120_000_000);
      case 2: return bases[r.nextInt(bases.length)];
      default: return (long) (bases[r.nextInt(bases.length)] * (0.6 + 0.8 * r.nextDouble()));
    }
  }

  static void spanOf(Random r, Facts f, int style) {
    long a = r.nextLong(), b = r.nextLong();
    if (style == 0) { a = Long.MIN_VALUE + 1 + (r.nextLong() >>> 20); b = Long.MAX_VALUE - (r.nextLong() >>> 20); }
    if (style == 1) { a = r.nextLong() >> 1; b = a + (r.nextLong() >>> 6); }
    if (style == 2) b = r.nextInt(5) == 0 ? a : a + (r.nextLong() >>> 3);
    if (a > b) { long c = a; a = b; b = c; }
    f.firstToken = a == Long.MIN_VALUE ? a + 1 : a; f.lastToken = Math.max(b, f.firstToken);
  }

  /** Some SSTables of the table in another repair state than those of the strategy. */
  static List<Facts> others(Random r, List<Facts> facts, long now, long gcBefore) {
    if (r.nextInt(5) > 0) return List.of();
    List<Facts> others = layout(r, now, gcBefore);
    others = others.subList(0, Math.min(others.size(), 4));
    for (Facts f : others) { f.generation += 1000; f.repairedAt = facts.get(0).repairedAt == 0 ? now - 5000 : 0; }
    return others;
  }

  static void run(MadeUpTable table, Mode mode, long seed, PrintStream out) throws Exception {
    Random r = new Random(seed * 0x9E3779B97F4A7C15L);
    long now = 1_760_000_000_000L + r.nextInt(1_000_000_000), gcBefore = now / 1000 - pick(r, 0, 3600, 864_000);
    MadeUpTable.StandingClock.millis = now;
    Map<String, String> options = mode.options(r);
    List<Facts> facts = layout(r, now, gcBefore);
    mode.shape(r, facts, options, now);
    List<Facts> others = others(r, facts, now, gcBefore);
    List<SSTableReader> own = facts.stream().map(f -> MadeUpSSTable.make(f, table.table)).collect(Collectors.toList());
    List<SSTableReader> rest = others.stream().map(f -> MadeUpSSTable.make(f, table.table)).collect(Collectors.toList());
    Map<String, String> all = new TreeMap<>(options);
    all.put("class", mode.strategy().getSimpleName());
    table.fill(Stream.concat(own.stream(), rest.stream()).collect(Collectors.toList()), all);
    AbstractCompactionStrategy strategy = mode.make(table.store, options);
    strategy.addSSTables(own);
    strategy.startup();
    List<SSTableReader> ordered = mode.order(table).stream().filter(own::contains).collect(Collectors.toList());
    out.println("L " + seed + " now=" + now + " gc=" + gcBefore + all.entrySet().stream().map(e -> " " + e.getKey() + "=" + e.getValue()).collect(Collectors.joining()));
    for (SSTableReader s : ordered) out.println("S " + line((MadeUpSSTable) s, gcBefore));
    for (SSTableReader s : rest) out.println("O " + line((MadeUpSSTable) s, gcBefore));
    List<Picked> picks = mode.picks(strategy, gcBefore);
    for (Picked picked : picks) out.println("P" + places(picked.transaction.originals(), ordered) + picked.also);
    for (Set<SSTableReader> other : mode.alternatives()) out.println("A" + places(other, ordered));
    out.println("E " + mode.estimatedTasks(strategy));
    for (Picked picked : picks) picked.transaction.abort();
    mode.goOn(table, strategy, new ArrayList<>(ordered), gcBefore, out);
  }

  static String places(Collection<SSTableReader> sstables, List<SSTableReader> ordered) {
    return sstables.stream().map(ordered::indexOf).sorted().map(i -> " " + i).collect(Collectors.joining());
  }

  static String line(MadeUpSSTable s, long gcBefore) {
    Facts f = s.facts;
    return Stream.of(f.onDiskBytes, f.componentBytes, f.plainBytes, f.createdMillis, f.level, f.firstToken, f.lastToken, f.minTimestamp, f.maxTimestamp,
        f.maxLocalDeletion == MadeUpSSTable.Cell_NO_DELETION ? "-" : f.maxLocalDeletion, s.getEstimatedDroppableTombstoneRatio(gcBefore), f.keys,
        s.getEstimatedCellPerPartitionCount().count(), s.getEstimatedCellPerPartitionCount().mean(), f.isInformative ? 1 : 0, f.repairedAt, Double.isNaN(f.coverage) ? "-" : f.coverage)
        .map(String::valueOf).collect(Collectors.joining(" "));
  }

  /** Options as CREATE TABLE takes or refuses them, by name: the texts of errors name one or two. */
  static String judge(MadeUpTable table, String line) throws ReflectiveOperationException {
    Map<String, String> options = new LinkedHashMap<>();
    for (String pair : line.split(";")) { int at = pair.indexOf('='); options.put(pair.substring(0, at), pair.substring(at + 1)); }
    try {
      CompactionParams params = CompactionParams.fromMap(options);
      params.validate();
      Map<String, String> own = new HashMap<>(options);
      own.remove("class");
      return "ok " + values(params, params.klass().getConstructor(org.apache.cassandra.db.ColumnFamilyStore.class, Map.class).newInstance(table.store, own));
    } catch (ConfigurationException | NumberFormatException e) {
      String message = String.valueOf(e.getMessage());
      List<String> named = options.keySet().stream().filter(name -> message.contains(name) || message.toLowerCase().contains(name.replace("_", " compaction ")) || (name.equals("scaling_parameters") && message.matches("(?s)(Scaling parameter|Fan factor).*"))).sorted().collect(Collectors.toList());
      return "refused" + named.stream().map(n -> " " + n).collect(Collectors.joining());
    }
  }

  /** What the strategy has made of them, in an order that test/engine/strategies/options.test.ts knows. */
  static String values(CompactionParams params, AbstractCompactionStrategy s) throws ReflectiveOperationException {
    List<Object> all = new ArrayList<>(List.of(params.isEnabled(), params.minCompactionThreshold(), params.maxCompactionThreshold(), params.tombstoneOption(),
        Boolean.parseBoolean(params.options().get(AbstractCompactionStrategy.ONLY_PURGE_REPAIRED_TOMBSTONES)), (double) s.tombstoneThreshold, s.tombstoneCompactionInterval, s.uncheckedTombstoneCompaction, s.logAll));
    if (s instanceof SizeTieredCompactionStrategy) all.addAll(sizeTiered(((SizeTieredCompactionStrategy) s).sizeTieredOptions));
    if (s instanceof TimeWindowCompactionStrategy) {
      Object o = field(s, "options");
      for (String name : List.of("sstableWindowUnit", "sstableWindowSize", "timestampResolution", "expiredSSTableCheckFrequency", "ignoreOverlaps")) all.add(field(o, name));
      all.add(!s.disableTombstoneCompactions);
      all.addAll(sizeTiered((SizeTieredCompactionStrategyOptions) field(o, "stcsOptions")));
    }
    if (s instanceof LeveledCompactionStrategy) {
      for (String name : List.of("maxSSTableSizeInMiB", "levelFanoutSize", "singleSSTableUplevel")) all.add(field(s, name));
      all.addAll(sizeTiered((SizeTieredCompactionStrategyOptions) field(field(s, "manifest"), "options")));
    }
    if (s instanceof UnifiedCompactionStrategy) {
      Object c = field(s, "controller");
      all.add(Arrays.stream((int[]) field(c, "scalingParameters")).mapToObj(String::valueOf).collect(Collectors.joining("/")));
      for (String name : List.of("baseShardCount", "targetSSTableSize", "minSSTableSize", "sstableGrowthModifier", "flushSizeOverride", "maxSSTablesToCompact", "expiredSSTableCheckFrequency", "ignoreOverlapsInExpirationCheck", "overlapInclusionMethod")) all.add(field(c, name));
    }
    return all.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  static List<Object> sizeTiered(SizeTieredCompactionStrategyOptions o) { return List.of(o.minSSTableSize, o.bucketLow, o.bucketHigh); }

  static Object field(Object of, String name) throws ReflectiveOperationException {
    java.lang.reflect.Field field = of.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
    MadeUpTable table = new MadeUpTable();
    if (args[0].equals("options")) {
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
      for (String line = in.readLine(); line != null; line = in.readLine()) out.println(line + " => " + judge(table, line));
    } else {
      long seed = Long.parseLong(args[1]);
      isRound = args.length > 3 && args[3].equals("round");
      for (int i = 0; i < Integer.parseInt(args[2]); i++) run(table, MODES.get(args[0]), seed + i, out);
    }
    out.flush();
    System.exit(0);
  }
}
