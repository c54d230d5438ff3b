/** Vitest's own report, closed by one line that a script can read: `12 passed, 0 failed`. */
import type { SerializedError } from 'vitest';
import type { TestModule } from 'vitest/node';
import { DefaultReporter } from 'vitest/reporters';

export default class ClosingLineReporter extends DefaultReporter {
  private closingLine = '';

  override onTestRunEnd(
    modules: readonly TestModule[] = [],
    errors: readonly SerializedError[] = [],
    reason: 'passed' | 'interrupted' | 'failed' = 'passed',
  ): void {
    super.onTestRunEnd();
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that can't be loaded, or whose hooks fail, has no failing test to count.
      const tests = [...module.children.allTests()];
      for (const test of tests) count[test.result().state]++;
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) count.failed++;
    }
    if (reason === 'interrupted') count.failed += Math.max(1, count.pending);
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    this.closingLine = `${count.passed} passed, ${count.failed} failed${skipped}`;
  }

  /** The last thing that vitest calls: its summary stands above our line. */
  override onFinished(...args: Parameters<DefaultReporter['onFinished']>): void {
    super.onFinished(...args);
    this.ctx.logger.log(this.closingLine);
  }
}
