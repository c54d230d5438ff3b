package org.apache.cassandra.db.compaction.unified;

import java.util.*;
import org.apache.cassandra.db.ColumnFamilyStore;

/** Cassandra's controller with a say in what it leaves to chance: which of several buckets of like depth is taken. */
public class ScriptedController extends Controller {
  private int nth;
  private int choices;

  private ScriptedController(ColumnFamilyStore store, Controller c, int[] scaling) {
    super(store, c.clock, scaling, c.survivalFactors, c.minSSTableSize, c.flushSizeOverride, c.maxSSTablesToCompact, c.expiredSSTableCheckFrequency / 1000,
        c.ignoreOverlapsInExpirationCheck, c.baseShardCount, c.targetSSTableSize, c.sstableGrowthModifier, c.overlapInclusionMethod);
  }

  public static ScriptedController from(ColumnFamilyStore store, Map<String, String> options) {
    Controller real = Controller.fromOptions(store, options);
    int length = options.getOrDefault("scaling_parameters", "T4").split(",").length;
    return new ScriptedController(store, real, java.util.stream.IntStream.range(0, length).map(real::getScalingParameter).toArray());
  }

  /** From now on the nth of several is taken, the first where there are fewer; 0: by chance. */
  public void take(int nth) {
    this.nth = nth;
    if (nth <= 1) choices = 1;
  }

  /** The most there were to choose from since the first was to be taken. */
  public int choices() { return choices; }

  @Override public Random random() {
    if (nth == 0) return super.random();
    return new Random() {
      @Override public int nextInt(int bound) {
        choices = Math.max(choices, bound);
        return bound == 1 || bound == nth ? 0 : 1;
      }
    };
  }
}
