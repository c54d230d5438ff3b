package org.apache.cassandra.db.compaction;

import java.lang.reflect.Field;
import java.util.*;
import java.util.stream.*;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.compaction.unified.ScriptedController;
import org.apache.cassandra.db.lifecycle.LifecycleTransaction;
import org.apache.cassandra.io.sstable.format.MadeUpSSTable.Facts;
import org.apache.cassandra.io.sstable.format.SSTableReader;

/**
 * Layouts of densities. Picks are those that are begun one after the other, none of them finished, each of the first bucket where chance chooses.
 * A pick adds `; SHARDS`. An A line after the first pick: what else chance could have chosen in its place.
 */
class Unified extends Strategies.Mode {
  static final long MIB = 1 << 20;

  @Override Class<? extends AbstractCompactionStrategy> strategy() { return UnifiedCompactionStrategy.class; }

  @Override Map<String, String> options(Random r) {
    Map<String, String> o = new TreeMap<>();
    Strategies.maybe(r, 0.8, o, "scaling_parameters", Strategies.pick(r, "T4", "T2", "T3", "N", "L2", "L4", "L10", "T4,L4", "T8,T4,N,L4", "L3,T3", "T3,T3,T10", "-3,2", "T2,T20"));
    Strategies.maybe(r, 0.5, o, "base_shard_count", "" + Strategies.pick(r, 1, 2, 3, 4, 8, 12));
    Strategies.maybe(r, 0.5, o, "target_sstable_size", Strategies.pick(r, "200MiB", "1GiB", "5GiB", "300MB"));
    Strategies.maybe(r, 0.5, o, "min_sstable_size", Strategies.pick(r, "0B", "1MiB", "20MiB", "100MiB"));
    Strategies.maybe(r, 0.5, o, "sstable_growth", Strategies.pick(r, "0", "0.25", "0.333", "0.5", "1", "40%"));
    Strategies.maybe(r, 0.4, o, "flush_size_override", Strategies.pick(r, "1MiB", "10MiB", "64MiB", "100MB"));
    Strategies.maybe(r, 0.4, o, "max_sstables_to_compact", "" + Strategies.pick(r, -1, 0, 2, 5, 10, 32));
    Strategies.maybe(r, 0.7, o, "overlap_inclusion_method", Strategies.pick(r, "NONE", "SINGLE", "TRANSITIVE", "single"));
    Strategies.maybe(r, 0.2, o, "unsafe_aggressive_sstable_expiration", Strategies.pick(r, "true", "false"));
    Strategies.maybe(r, 0.1, o, "only_purge_repaired_tombstones", Strategies.pick(r, "true", "false"));
    return o;
  }

  @Override void shape(Random r, List<Facts> sstables, Map<String, String> options, long now) {
    int style = r.nextInt(5), more = Strategies.pick(r, 0, 0, 0, 10, 20, r.nextInt(4) == 0 ? 120 : 0);
    double spread = Strategies.pick(r, 0.0, 0.3, 2.0);
    int steps = 1 + r.nextInt(4);
    double base = MIB * Strategies.pick(r, 0.2, 1.0, 10.0, 64.0), step = Strategies.pick(r, 2.0, 4.0, 10.0);
    for (int i = 0; i < more; i++) sstables.add(Strategies.layout(r, now, now / 1000).get(0));
    boolean isExpiring = r.nextInt(3) == 0;
    for (int i = 0; i < sstables.size(); i++) {
      Facts f = sstables.get(i);
      f.generation = i + 1;
      int power = r.nextInt(steps);
      double share = style == 4 ? 1 : share(r, f, style, power);
      if (style == 4) Strategies.spanOf(r, f, r.nextInt(4));
      f.onDiskBytes = 1000 + 1000 * (long) (base / 1000 * Math.pow(step, power) * share * Math.exp(spread * (r.nextDouble() - 0.5)));
      f.coverage = Strategies.pick(r, Double.NaN, Double.NaN, share, share, share, r.nextInt(10) == 0 ? 1e-18 : share, r.nextInt(10) == 0 ? 0.0 : share);
      if (!isExpiring) f.maxLocalDeletion = org.apache.cassandra.db.rows.Cell.NO_DELETION_TIME;
      // Two of the same age would leave it to hashes which of them is taken.
      Leveled.simplify(f, i);
      f.tombstones.clear();
      f.cells.clear();
      f.repairedAt = sstables.get(0).repairedAt;
    }
  }

  /** Spans of some style; the share of the ring that they are. */
  private static double share(Random r, Facts f, int style, int power) {
    int shards = style == 0 ? 1 : style == 1 ? 4 : 1 << (2 + power);
    int shard = r.nextInt(shards);
    double width = 18446744073709551616.0 / shards;
    double start = -9223372036854775808.0 + shard * width;
    double inset = style == 3 ? 0.4 : 0.001;
    f.firstToken = (long) (start + width * (0.0001 + inset * r.nextDouble()));
    f.lastToken = (long) (start + width * (0.9999 - inset * r.nextDouble()));
    if (style == 3 && r.nextInt(3) == 0) f.lastToken = (long) Math.min(9.2e18, f.firstToken + width * 1.5 * r.nextDouble());
    if (r.nextInt(50) == 0) f.lastToken = f.firstToken;
    return 1.0 / shards;
  }

  @Override AbstractCompactionStrategy make(ColumnFamilyStore store, Map<String, String> options) {
    ScriptedController controller = ScriptedController.from(store, options);
    UnifiedCompactionStrategy strategy = new UnifiedCompactionStrategy(store, options, controller);
    checkExpired(strategy);
    return strategy;
  }

  /** Makes the check due that a node makes every ten minutes. */
  private static void checkExpired(UnifiedCompactionStrategy strategy) {
    try {
      Field last = UnifiedCompactionStrategy.class.getDeclaredField("lastExpiredCheck");
      last.setAccessible(true);
      last.setLong(strategy, 0);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override List<Strategies.Picked> picks(AbstractCompactionStrategy of, long gcBefore) {
    UnifiedCompactionStrategy strategy = (UnifiedCompactionStrategy) of;
    ScriptedController controller = (ScriptedController) strategy.getController();
    List<Strategies.Picked> picks = new ArrayList<>();
    Set<Set<SSTableReader>> possible = possible(strategy, controller, gcBefore);
    checkExpired(strategy);
    controller.take(1);
    for (AbstractCompactionTask task = strategy.getNextBackgroundTask(gcBefore); task != null; task = strategy.getNextBackgroundTask(gcBefore)) {
      if (picks.isEmpty()) pending = strategy.getEstimatedRemainingTasks();
      picks.add(new Strategies.Picked(task.transaction, " ; " + shards(strategy, task.transaction, gcBefore)));
    }
    if (picks.isEmpty()) pending = strategy.getEstimatedRemainingTasks();
    Set<SSTableReader> first = picks.isEmpty() ? Set.of() : picks.get(0).transaction.originals();
    if (!picks.isEmpty() && !possible.contains(first)) throw new IllegalStateException("the first bucket is none of those possible");
    possible.remove(first);
    alternatives = possible;
    return picks;
  }

  private int pending;
  private Set<Set<SSTableReader>> alternatives = Set.of();

  @Override int estimatedTasks(AbstractCompactionStrategy strategy) { return pending; }
  @Override Collection<Set<SSTableReader>> alternatives() { return alternatives; }

  /** All first picks that chance allows; one with Cassandra's own random numbers is held to be among them. */
  private static Set<Set<SSTableReader>> possible(UnifiedCompactionStrategy strategy, ScriptedController controller, long gcBefore) {
    Set<Set<SSTableReader>> possible = new LinkedHashSet<>();
    for (int nth = 1; nth == 1 || nth <= controller.choices(); nth++) {
      controller.take(nth);
      checkExpired(strategy);
      Collection<SSTableReader> pick = strategy.getNextCompactionPick(gcBefore);
      if (pick != null) possible.add(Set.copyOf(pick));
    }
    controller.take(0);
    checkExpired(strategy);
    Collection<SSTableReader> pick = strategy.getNextCompactionPick(gcBefore);
    if (pick == null ? !possible.isEmpty() : !possible.contains(Set.copyOf(pick))) throw new IllegalStateException("chance has found another pick");
    return possible;
  }

  /** As UnifiedCompactionTask reckons them when it makes its writer. */
  private static int shards(UnifiedCompactionStrategy strategy, LifecycleTransaction transaction, long gcBefore) {
    Set<SSTableReader> inputs = transaction.originals();
    Set<SSTableReader> expired = CompactionController.getFullyExpiredSSTables(strategy.cfs, inputs, strategy.cfs.getOverlappingLiveSSTables(inputs), gcBefore);
    Set<SSTableReader> read = inputs.stream().filter(s -> !expired.contains(s)).collect(Collectors.toSet());
    ShardManager shards = strategy.getShardManager();
    return strategy.getController().getNumShards(shards.calculateCombinedDensity(read) * shards.shardSetCoverage());
  }
}
