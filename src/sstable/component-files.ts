/**
 * The files of an SSTable that is being written. Every one is written as `<name>.tmp`, which a node removes when it starts; once all are on the disk
 * they get their names, Data.db last: files without it are no SSTable, neither to a node, which removes them, nor to lsmctl.
 */
import type { FileSink, OutputStorage } from '../bytes/sink.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import { TEMPORARY } from './unpublished.js';

export class ComponentFiles {
  /** Those that there are, in the order of TOC.txt. */
  readonly names: string[] = [];
  private readonly output: OutputStorage;
  private readonly descriptor: Descriptor;
  private readonly sinks: FileSink[] = [];

  constructor(output: OutputStorage, descriptor: Descriptor) {
    this.output = output;
    this.descriptor = descriptor;
  }

  /** Where a component lies until it has its name. */
  path(name: string): string {
    return componentPath(this.descriptor, name) + TEMPORARY;
  }

  /** Components that somebody else writes to their {@link path}. */
  count(...names: readonly string[]): void {
    this.names.push(...names);
  }

  /** A component that is written piece by piece, until {@link sync}. @throws UsageError */
  create(name: string): FileSink {
    const sink = this.output.create(this.path(name));
    this.sinks.push(sink);
    this.names.push(name);
    return sink;
  }

  /** What was created is complete, and on the disk when it returns. @throws UsageError, such as for a full disk */
  sync(): void {
    for (const sink of this.sinks) {
      sink.sync();
      sink.close();
    }
  }

  /** A whole component, which is on the disk when it returns. @throws UsageError, such as for a full disk */
  write(name: string, ...pieces: readonly Uint8Array[]): void {
    const sink = this.output.create(this.path(name));
    try {
      for (const bytes of pieces) sink.write(bytes);
      sink.sync();
    } finally {
      sink.close();
    }
    this.names.push(name);
  }

  /** Of all components, before they have their names. */
  get bytesOnDisk(): number {
    return this.names.reduce((sum, name) => sum + (this.output.stat(this.path(name))?.size ?? 0), 0);
  }

  /** Gives the files their names. @throws UsageError */
  publish(): void {
    const { output, descriptor } = this;
    const rest = this.names.filter((name) => name !== COMPONENT.data);
    for (const name of rest) output.rename(this.path(name), componentPath(descriptor, name));
    output.syncDirectory(descriptor.directory);
    output.rename(this.path(COMPONENT.data), componentPath(descriptor, COMPONENT.data));
    output.syncDirectory(descriptor.directory);
  }

  /** Removes the files, named or not. @param others what writes some of them */
  remove(...others: readonly { close(): void }[]): void {
    const { output, descriptor } = this;
    for (const sink of [...others, ...this.sinks]) {
      try {
        sink.close();
      } catch {
        // what is buffered can't be written to a full disk: it is not wanted any more
      }
    }
    for (const name of new Set([COMPONENT.data, ...this.names, ...Object.values(COMPONENT)])) {
      output.remove(this.path(name));
      if (this.names.includes(name)) output.remove(componentPath(descriptor, name));
    }
  }
}
