/** SSTables written one after the other: they get their names together, or none is left. */
import { ComponentFiles } from './component-files.js';
import { SSTableWriter } from './sstable-writer.js';
import type { SSTableWriterOptions } from './writer-options.js';

export class SSTableWriters {
  private readonly writers: SSTableWriter[] = [];
  /** Of the writers, and of one that a signal broke off as it began. */
  private readonly begun: ComponentFiles[] = [];

  /** The writer of a further SSTable. @throws UsageError, such as for a full disk */
  open(options: SSTableWriterOptions): SSTableWriter {
    this.begun.push(new ComponentFiles(options.output, options.descriptor));
    const writer = new SSTableWriter(options);
    this.writers.push(writer);
    return writer;
  }

  /** Gives finished SSTables their names. @param isAsked told how many were opened before it @throws UsageError */
  publish(isAsked: (index: number) => boolean = () => true): void {
    for (const [i, writer] of this.writers.entries()) if (isAsked(i)) writer.publish();
  }

  /** Removes one. @param index how many were opened before it, and are still there */
  drop(index: number): void {
    for (const writer of this.writers.splice(index, 1)) writer.abort();
  }

  /** Removes all, named or not. */
  abort(): void {
    for (const writer of this.writers) writer.abort();
    for (const files of this.begun) files.remove();
  }
}
