/**
 * Writes Data.db, and beside it what its bytes alone decide:
 *
 *   compressed    Data.db: chunk, u32 CRC-32 of the stored chunk, chunk, u32, …    CompressionInfo.db: where the chunks lie
 *   plain         Data.db: the bytes     CRC.db: i32 65,536, then a u32 CRC-32 for each 64 KiB
 *   both          Digest.crc32: of Data.db, in a compressed one with the CRCs in it
 *
 * A chunk that does not shrink below `maxCompressedLength` is stored plain. Only the last one can be shorter than that: zeros fill it up, so that
 * its length still says that it is plain. A chunk is written when there is a byte for the next one, or at the end, be it empty: Cassandra writes
 * files that it opened before they were complete (those of compactions) with one empty chunk at the end, and so does {@link DataWriter.sync}.
 */
import { crc32, crc32OfInt } from '../bytes/crc32.js';
import { combineCrc32 } from '../bytes/crc32-combine.js';
import { InvariantError } from '../bytes/errors.js';
import { KeptView } from '../bytes/kept-view.js';
import type { FileSink, OutputStorage } from '../bytes/sink.js';
import { ByteWriter } from '../bytes/writer.js';
import type { LoadedCompression } from '../codec/compression-params.js';
import { encodeCompressionInfo } from './compression-info.js';
import { encodeDigest } from './digest.js';
import type { Version } from './version.js';

/** Plain bytes that one checksum of CRC.db covers. */
export const CHECKSUM_CHUNK_BYTES = 65536;

const NO_LIMIT = 0x7fffffff;
const CRC_BYTES = 4;

/** Bytes from which on a copy by the engine costs less than one by words. */
const LONG_PIECE = 256;

/** Where the files go. Their names may be temporary: naming them for good is the caller's. */
export type DataPaths = {
  readonly data: string;
  readonly digest: string;
  /** Made for compressed tables. */
  readonly compressionInfo: string;
  /** Made for others. */
  readonly crc: string;
};

/** What is known of a complete Data.db. */
export type WrittenData = {
  readonly plainBytes: number;
  /** Of Data.db. */
  readonly storedBytes: number;
  /** CRC-32, unsigned. */
  readonly digest: number;
  /** Stored over plain bytes, checksums left out, as in Statistics.db: −1 where it is not compressed. */
  readonly compressionRatio: number;
};

export class DataWriter {
  private readonly output: OutputStorage;
  private readonly paths: DataPaths;
  private readonly version: Version;
  private readonly compression: LoadedCompression | undefined;
  private readonly sink: FileSink;
  /** The chunk that is being filled, with room for a checksum behind it. */
  private readonly chunk: Uint8Array;
  private readonly chunkView: DataView;
  private readonly sourceView = new KeptView();
  private readonly chunkLength: number;
  private filled = 0;
  /** Plain bytes of all chunks before this one. */
  private chunkStart = 0;
  private readonly compressed: Uint8Array;
  private readonly maxCompressedLength: number;
  /** Of compressed tables the position of each chunk (i64), else of each chunk its checksum (u32). */
  private readonly table = new ByteWriter();
  private chunkCount = 0;
  private digest = 0;
  /** Bytes of stored chunks without their checksums. */
  private storedChunkBytes = 0;
  private isEnded = false;

  /** @throws UsageError where Data.db can't be made */
  constructor(output: OutputStorage, paths: DataPaths, version: Version, compression?: LoadedCompression) {
    this.output = output;
    this.paths = paths;
    this.version = version;
    this.compression = compression;
    this.chunkLength = compression?.chunkLength ?? CHECKSUM_CHUNK_BYTES;
    this.chunk = new Uint8Array(this.chunkLength + CRC_BYTES);
    this.chunkView = new DataView(this.chunk.buffer);
    this.compressed = new Uint8Array(
      compression ? compression.codec.maxCompressedLength(this.chunkLength) + CRC_BYTES : 0,
    );
    // versions that have no place for the limit can't tell a plain chunk from another
    this.maxCompressedLength = version.hasMaxCompressedLength
      ? (compression?.maxCompressedLength ?? NO_LIMIT)
      : NO_LIMIT;
    this.sink = output.create(paths.data);
    if (!compression) this.table.i32(CHECKSUM_CHUNK_BYTES);
  }

  /** Plain bytes written so far. */
  get position(): number {
    return this.chunkStart + this.filled;
  }

  /**
   * Bytes of Data.db so far: of a compressed one those of complete chunks, else as `position`. By this Cassandra decides when a file is large
   * enough (getOnDiskFilePointer, getEstimatedOnDiskBytesWritten).
   */
  get storedPosition(): number {
    return this.compression ? this.sink.position : this.position;
  }

  /** Appends `bytes[start, end)`; they may be changed afterwards. @throws UsageError, such as for a full disk */
  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    while (end - at > this.chunkLength - this.filled) {
      const room = this.chunkLength - this.filled;
      this.append(bytes, at, at + room);
      at += room;
      this.flush();
    }
    this.append(bytes, at, end);
  }

  private append(bytes: Uint8Array, start: number, end: number): void {
    const to = this.filled;
    this.filled = to + end - start;
    if (end - start > LONG_PIECE) {
      this.chunk.set(bytes.subarray(start, end), to);
      return;
    }
    const source = this.sourceView.of(bytes);
    const { chunkView } = this;
    let d = to;
    let s = start;
    for (; s < end - 3; s += 4) {
      chunkView.setInt32(d, source.getInt32(s));
      d += 4;
    }
    for (; s < end; s++) chunkView.setUint8(d++, source.getUint8(s));
  }

  /** Writes the chunk at hand, full or not. */
  private flush(): void {
    if (this.isEnded && this.filled > 0)
      throw new InvariantError('bytes after the end of Data.db', { file: this.sink.path });
    if (this.compression) this.flushCompressed(this.compression);
    else this.flushPlain();
    this.chunkStart += this.filled;
    this.chunkCount++;
    this.filled = 0;
  }

  private flushPlain(): void {
    const stored = this.chunk.subarray(0, this.filled);
    this.table.i32(crc32(stored));
    this.digest = crc32(stored, this.digest);
    this.sink.write(stored);
  }

  private flushCompressed({ codec }: LoadedCompression): void {
    this.table.i64FromNumber(this.sink.position);
    let stored = this.compressed;
    let length = codec.compress(this.chunk, 0, this.filled, stored, 0);
    if (length >= this.maxCompressedLength) {
      stored = this.chunk;
      length = Math.max(this.filled, this.maxCompressedLength);
      stored.fill(0, this.filled, length);
    }
    const crc = crc32(stored.subarray(0, length));
    stored[length] = crc >>> 24;
    stored[length + 1] = crc >>> 16;
    stored[length + 2] = crc >>> 8;
    stored[length + 3] = crc;
    this.storedChunkBytes += length;
    this.digest = crc32OfInt(crc, combineCrc32(this.digest, crc, length));
    this.sink.write(stored, 0, length + CRC_BYTES);
  }

  /**
   * Ends the data and brings it to the disk before {@link finish}, which then adds an empty chunk, as Cassandra does with files that it opens
   * early: those of every compaction, unless the node's sstable_preemptive_open_interval is off. No bytes may follow.
   */
  sync(): void {
    this.flush();
    this.isEnded = true;
    this.sink.sync();
  }

  /** Writes what is left and the files beside; all are on the disk when it returns. @throws UsageError, such as for a full disk */
  finish(): WrittenData {
    this.flush();
    this.isEnded = true;
    this.sink.sync();
    this.sink.close();
    this.writeTable();
    this.writeFile(this.paths.digest, encodeDigest(this.digest));
    return {
      plainBytes: this.position,
      storedBytes: this.sink.position,
      digest: this.digest,
      compressionRatio: this.compression ? this.storedChunkBytes / this.position : -1,
    };
  }

  private writeTable(): void {
    if (!this.compression) {
      this.writeFile(this.paths.crc, this.table.view());
      return;
    }
    const { compressor, options } = this.compression;
    const info = encodeCompressionInfo(
      {
        file: this.paths.compressionInfo,
        compressor,
        options,
        chunkLength: this.chunkLength,
        maxCompressedLength: this.maxCompressedLength,
        dataLength: this.position,
        chunkCount: this.chunkCount,
        offsets: this.table.view(),
      },
      this.version,
    );
    this.writeFile(this.paths.compressionInfo, info);
  }

  private writeFile(file: string, bytes: Uint8Array): void {
    const sink = this.output.create(file);
    try {
      sink.write(bytes);
      sink.sync();
    } finally {
      sink.close();
    }
  }

  /** Closes Data.db as it is, after a failure. The files that are there remain the caller's to remove. */
  close(): void {
    this.sink.close();
  }
}
