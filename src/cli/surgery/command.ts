/** What the commands that change SSTables a little have in common. */
import { LsmctlCommand } from '../base-command.js';
import { Flags, keyspaceFlag, tableFlag, yesFlag } from '../flags.js';
import type { Stage, SurgeryResult } from './run.js';

export const surgeryFlags = {
  'dry-run': Flags.boolean({ summary: 'only show what would change', default: false }),
  yes: yesFlag,
  keyspace: keyspaceFlag,
  table: tableFlag,
};

export abstract class SurgeryCommand extends LsmctlCommand {
  static override enableJsonFlag = true;

  /** Ends the command as its result says. */
  protected end({ document, exitCode }: SurgeryResult): object {
    this.exitWith(exitCode);
    return document;
  }

  protected stage(): Stage {
    return {
      show: (text) => {
        if (this.jsonEnabled()) return;
        this.out.writeText(text);
        this.out.flush();
      },
      tell: (line) => this.notice(line),
      width: process.stdout.columns ?? 0,
      isQuiet: this.jsonEnabled(),
    };
  }
}
