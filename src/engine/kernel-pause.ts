/** Counts down the steps for which a kernel is not asked that got nowhere: asking costs more than a step does. */
const MAX_PAUSE = 64;

export class KernelPause {
  private readonly few: number;
  private length = 0;
  private left = 0;

  /** @param few steps of the kernel below which it is not worth having been asked */
  constructor(few: number) {
    this.few = few;
  }

  get isOver(): boolean {
    if (this.left === 0) return true;
    this.left--;
    return false;
  }

  /** The kernel was asked and made so many steps. */
  note(steps: number): void {
    this.length = steps >= this.few ? 0 : Math.min(MAX_PAUSE, Math.max(2, this.length * 2));
    this.left = this.length;
  }
}
