/** The strategy that a table's options name. */
import { UnsupportedError } from '../../bytes/errors.js';
import type { CompactionParams } from './options.js';
import { sizeTieredStrategy } from './size-tiered.js';
import type { Strategy } from './strategy.js';
import { timeWindowStrategy } from './time-window.js';

/** @throws UnsupportedError for a strategy whose next steps aren't known */
export function openStrategy(params: CompactionParams): Strategy {
  const { strategy } = params;
  switch (strategy.kind) {
    case 'SizeTiered':
      return sizeTieredStrategy(strategy, params);
    case 'TimeWindow':
      return timeWindowStrategy(strategy, params);
    default:
      throw new UnsupportedError(`what ${strategy.kind}CompactionStrategy would compact next is not known`, {
        seen: `${strategy.kind}CompactionStrategy`,
        expected: 'SizeTiered- or TimeWindowCompactionStrategy',
      });
  }
}
