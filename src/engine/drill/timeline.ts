/** Counts what was written when, and what of it is lost. */
import type { LogSurvey } from './log-survey.js';
import type { Timeline } from './report.js';

const BUCKETS = 96;

export class TimelineCount {
  private readonly from: number;
  private readonly to: number;
  private readonly mutations = new Array<number>(BUCKETS).fill(0);
  private readonly lost = new Array<number>(BUCKETS).fill(0);

  constructor(survey: LogSurvey) {
    this.to = survey.clock.newestMicros ?? 0;
    let first = Number.POSITIVE_INFINITY;
    for (const micros of survey.times()) if (micros !== undefined && micros < first) first = micros;
    this.from = Math.min(first, this.to);
    for (const micros of survey.times()) if (micros !== undefined) this.mutations[this.bucketOf(micros)]!++;
  }

  addLost(micros: number | undefined): void {
    if (micros !== undefined) this.lost[this.bucketOf(micros)]!++;
  }

  private bucketOf(micros: number): number {
    const share = this.to > this.from ? (micros - this.from) / (this.to - this.from) : 0;
    return Math.max(0, Math.min(BUCKETS - 1, Math.floor(share * BUCKETS)));
  }

  /** `undefined` where nothing has a time. */
  timeline(): Timeline | undefined {
    if (this.mutations.every((count) => count === 0)) return undefined;
    const buckets = this.mutations.map((mutations, i) => ({ mutations, lost: this.lost[i]! }));
    return { fromMicros: this.from, toMicros: this.to, buckets };
  }
}
