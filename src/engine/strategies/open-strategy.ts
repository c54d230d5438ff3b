/** The strategy that a table's options name. */
import { UnsupportedError } from '../../bytes/errors.js';
import { type LeveledSettings, leveledStrategy } from './leveled.js';
import type { CompactionParams } from './options.js';
import { sizeTieredStrategy } from './size-tiered.js';
import type { Strategy } from './strategy.js';
import { timeWindowStrategy } from './time-window.js';
import { type UnifiedSettings, unifiedStrategy } from './unified.js';

/** What a node's settings and its place in the ring have to say. */
export type StrategySettings = LeveledSettings & UnifiedSettings;

/** @throws UnsupportedError for a strategy whose next steps aren't known */
export function openStrategy(params: CompactionParams, settings: StrategySettings = {}): Strategy {
  const { strategy } = params;
  switch (strategy.kind) {
    case 'SizeTiered':
      return sizeTieredStrategy(strategy, params);
    case 'TimeWindow':
      return timeWindowStrategy(strategy, params);
    case 'Leveled':
      return leveledStrategy(strategy, params, settings);
    case 'Unified':
      return unifiedStrategy(strategy, params, settings);
    default:
      throw new UnsupportedError(`what ${strategy.kind}CompactionStrategy would compact next is not known`, {
        seen: `${strategy.kind}CompactionStrategy`,
        expected: 'SizeTiered-, TimeWindow-, Leveled- or UnifiedCompactionStrategy',
      });
  }
}
