/** Where an SSTable's writer puts the plain bytes of Data.db: a DataWriter, or something that hands them to one in another thread. */
import type { LoadedCompression } from '../codec/compression-params.js';
import type { DataPaths, WrittenData } from './data-writer.js';
import type { Version } from './version.js';

export interface DataSink {
  /** Plain bytes written so far. */
  readonly position: number;
  /** Bytes of Data.db so far, see DataWriter. */
  readonly storedPosition: number;
  /** Appends `bytes[start, end)`; they may be changed afterwards. @throws UsageError, such as for a full disk */
  write(bytes: Uint8Array, start?: number, end?: number): void;
  /** See DataWriter.sync. */
  sync(): void;
  /** Everything is on the disk when it returns. @throws UsageError */
  finish(): WrittenData;
  close(): void;
}

export type OpenDataSink = (paths: DataPaths, version: Version, compression: LoadedCompression | undefined) => DataSink;
