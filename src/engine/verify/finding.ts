/**
 * What a check found. A finding has a rule, which `rules.ts` explains, and all that is known of the place: which file, which bytes, which chunk,
 * which partition.
 */
import { CorruptError, type LsmctlError } from '../../bytes/errors.js';
import type { Chain } from './chain.js';
import { RULES, type Rule, type RuleId, type Severity } from './rules.js';

/** A partition as operators look for it. */
export type PartitionName = {
  /** Bytes of the key, hex. */
  readonly key: string;
  /** As Cassandra prints it; absent where the partitioner is not known. */
  readonly token?: string;
};

export type Finding = {
  readonly rule: RuleId;
  readonly severity: Severity;
  readonly message: string;
  /** Path of the file that is wrong; of findings on a whole SSTable, the path up to the component's name. */
  readonly file: string;
  readonly component?: string;
  /** Byte position in `file`; of Data.db in its plain bytes, unless `chunk` is given. */
  readonly offset?: number;
  readonly chunk?: number;
  readonly partition?: PartitionName;
  readonly seen?: string;
  readonly expected?: string;
  /** Plain bytes [start, end) of Data.db that are lost or doubtful. */
  readonly plainRange?: readonly [start: number, end: number];
  /** What it costs, and what to do. */
  readonly chain?: Chain;
  /** Other findings of the same rule in this file that are not told one by one. */
  readonly more?: number;
};

export type FindingFacts = Partial<Omit<Finding, 'rule' | 'severity' | 'message' | 'file' | 'seen' | 'expected'>> & {
  readonly file?: string;
  readonly seen?: string | number;
  readonly expected?: string | number;
  /** In place of the rule's own. */
  readonly severity?: Severity;
};

/** Findings of one rule and file that are told one by one. */
const TOLD = 20;

/** Collects the findings of one SSTable; memory stays flat whatever is wrong. */
export class FindingLog {
  private readonly prefix: string;
  private readonly told: Finding[] = [];
  private readonly counts = new Map<string, { count: number; last: number }>();

  /** @param prefix path up to the component's name */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** `component` alone is enough to name the file. */
  add(rule: RuleId, message: string, { seen, expected, severity, ...facts }: FindingFacts = {}): void {
    const file = facts.file ?? (facts.component === undefined ? this.prefix : `${this.prefix}-${facts.component}`);
    const key = `${rule} ${file}`;
    const known = this.counts.get(key);
    if (known && known.count >= TOLD) {
      known.count++;
      return;
    }
    this.counts.set(key, { count: (known?.count ?? 0) + 1, last: this.told.length });
    this.told.push({
      rule,
      severity: severity ?? (RULES[rule] as Rule).severity,
      message,
      ...facts,
      file,
      ...(seen !== undefined && { seen: String(seen) }),
      ...(expected !== undefined && { expected: String(expected) }),
    });
  }

  /** A damaged component, as its decoder told it. */
  addError(rule: RuleId, error: LsmctlError, facts: FindingFacts = {}): void {
    const { file, component, offset, chunk, seen, expected } = error.facts;
    this.add(rule, error.message, {
      ...(file !== undefined && { file }),
      ...(component !== undefined && { component }),
      ...(offset !== undefined && { offset }),
      ...(chunk !== undefined && { chunk }),
      ...(seen !== undefined && { seen }),
      ...(expected !== undefined && { expected }),
      ...facts,
    });
  }

  /** How many findings so far are worse than a note. */
  get wrong(): number {
    let count = 0;
    for (const { severity } of this.told) if (severity !== 'note') count++;
    return count;
  }

  has(rule: RuleId): boolean {
    return this.told.some((finding) => finding.rule === rule);
  }

  /** All, the worst first. */
  finish(): Finding[] {
    const list = this.told.map((finding, i) => {
      const { count, last } = this.counts.get(`${finding.rule} ${finding.file}`)!;
      return count > TOLD && last === i ? { ...finding, more: count - TOLD } : finding;
    });
    return list.sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  }
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** Whether it makes a check fail: notes do not. */
export function isWrong({ severity }: Pick<Finding, 'severity'>): boolean {
  return severity !== 'note';
}

export function isCorrupt(error: unknown): error is CorruptError {
  return error instanceof CorruptError;
}
