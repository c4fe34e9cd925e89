import { constants, promises } from 'node:fs';
import { describeError, type Logger } from '@cstbox/mqtt-core';
import { FileFailure } from '../file-failure.js';

/** Where and how much is written. */
export interface RecordingFilesOptions {
  /** The first file; those after it are called `<path>.1`, `<path>.2`, … */
  readonly path: string;
  /** Bytes that a file has at most. */
  readonly maxBytes: number;
  /** How many files are kept: beyond that, the oldest is removed. */
  readonly files: number;
  /** The first line of a file, by its number. */
  readonly header: (part: number) => string;
  /** The line that says how many are missing before it. */
  readonly missed: (count: number) => string;
  readonly logger: Logger;
}

/** What was written. */
export interface RecordingCounts {
  /** In all files, the removed ones included. */
  readonly bytes: number;
  /** The files that are there. */
  readonly files: readonly string[];
  readonly removed: number;
  /** Lines that could not be written. */
  readonly missed: number;
}

/** So much waits for the disk at most. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** So much is written at a time, unless a line is longer. */
const BATCH_BYTES = 1024 * 1024;
/** How long to leave a disk alone that takes nothing. */
const RETRY_MS = 1_000;

/** A line that waits for the disk. */
interface WaitingLine {
  readonly text: string;
  readonly bytes: number;
  /** How many missed ones it tells of; `undefined` for a line of the recording itself. */
  readonly tells?: number;
}

/**
 * Lines that go to files, one after the other, within bounds of memory and disk. It never writes to a file that was there before.
 *
 * A disk that is slow or full costs lines: they are counted, and a line before the next one that gets through says how many.
 */
export class RecordingFiles implements AsyncDisposable {
  readonly #options: RecordingFilesOptions;
  #waiting: WaitingLine[] = [];
  #waitingBytes = 0;
  #file: promises.FileHandle;
  #size = 0;
  #part = 0;
  readonly #kept: string[];
  #removed = 0;
  #bytes = 0;
  #missed = 0;
  /** Of those, how many no line tells of yet. */
  #untold = 0;
  /** What the header of a file takes at most. */
  readonly #headerBytes: number;
  #isFailing = false;
  #writing: Promise<void> | undefined;
  #wake = () => {};
  #closing: Promise<void> | undefined;

  private constructor(file: promises.FileHandle, options: RecordingFilesOptions, headerBytes: number) {
    this.#options = options;
    this.#headerBytes = headerBytes;
    this.#file = file;
    this.#kept = [options.path];
  }

  /**
   * Begins a recording.
   *
   * @throws {FileFailure} when there is a file already, it can't be written, or the bound leaves no room behind the header
   */
  static async create(options: RecordingFilesOptions): Promise<RecordingFiles> {
    const headerBytes = Buffer.byteLength(options.header(Number.MAX_SAFE_INTEGER));
    if (headerBytes >= options.maxBytes) {
      throw new FileFailure(
        `the header alone, which names channels and topics, takes ${headerBytes} bytes: give a file more than ${options.maxBytes}`,
      );
    }
    const files = new RecordingFiles(await createFile(options.path), options, headerBytes);
    try {
      await files.#append('');
    } catch (error) {
      await files.#file.close();
      throw new FileFailure(`can't write to ${options.path}: ${describeError(error)}`);
    }
    return files;
  }

  get counts(): RecordingCounts {
    return { bytes: this.#bytes, files: this.#kept, removed: this.#removed, missed: this.#missed };
  }

  /** Takes a line, with its end; one that finds no room is missed. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    const isTooLong = bytes > this.#options.maxBytes - this.#headerBytes;
    if (this.#closing || isTooLong || this.#waitingBytes >= MAX_WAITING_BYTES) return this.#miss(1);
    if (this.#untold > 0) {
      const text = this.#options.missed(this.#untold);
      this.#put({ text, bytes: Buffer.byteLength(text), tells: this.#untold });
    }
    this.#untold = 0;
    this.#put({ text: line, bytes });
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Writes what waits, and closes the file. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends a recording that never began: its file goes, so that the next try finds its place free. */
  async discard(): Promise<void> {
    await this.close();
    for (const path of this.#kept.splice(0)) await promises.rm(path, { force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #put(line: WaitingLine): void {
    this.#waiting.push(line);
    this.#waitingBytes += line.bytes;
  }

  async #close(): Promise<void> {
    this.#wake();
    await this.#writing;
    if (this.#untold > 0) await this.#append(this.#options.missed(this.#untold)).catch(() => {});
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#writeBatch(batch);
        this.#recovered();
      } catch (error) {
        this.#failed(error);
        // At the end nobody waits for a disk to be mended.
        this.#giveUp(this.#closing ? batch.concat(this.#waiting.splice(0)) : batch);
        await this.#rest();
      }
    }
  }

  #takeBatch(): WaitingLine[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((line) => {
      bytes += line.bytes;
      return bytes > BATCH_BYTES;
    });
    const batch = this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(1, end));
    this.#waitingBytes -= batch.reduce((sum, line) => sum + line.bytes, 0);
    return batch;
  }

  /** Writes lines, and takes those away that are written. */
  async #writeBatch(lines: WaitingLine[]): Promise<void> {
    while (lines.length > 0) {
      let size = this.#size;
      const end = lines.findIndex(({ bytes }) => {
        size += bytes;
        return size > this.#options.maxBytes;
      });
      const count = end < 0 ? lines.length : end;
      if (count > 0)
        await this.#append(
          lines
            .slice(0, count)
            .map(({ text }) => text)
            .join(''),
        );
      lines.splice(0, count);
      if (lines.length === 0) return;
      await this.#startNext();
      // One that fills a file by itself has got its own.
      await this.#append(lines[0]?.text ?? '');
      lines.shift();
    }
  }

  /** Appends a text as a whole, in a new file behind the header; what a full disk took of it is cut off again. */
  async #append(text: string): Promise<void> {
    const bytes = Buffer.from(this.#size === 0 ? this.#options.header(this.#part) + text : text);
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#size + done);
        done += bytesWritten;
      }
    } catch (error) {
      await this.#file.truncate(this.#size).catch(() => {});
      throw error;
    }
    this.#size += bytes.length;
    this.#bytes += bytes.length;
  }

  async #startNext(): Promise<void> {
    const { path, files } = this.#options;
    let next: promises.FileHandle | undefined;
    while (!next) {
      this.#part++;
      next = await createFile(`${path}.${this.#part}`).catch((error: unknown) => {
        // Somebody else's: it stays as it is.
        if (error instanceof FileFailure && error.isThere) return undefined;
        throw error;
      });
    }
    await this.#file.close();
    this.#file = next;
    this.#size = 0;
    this.#kept.push(`${path}.${this.#part}`);
    while (this.#kept.length > files) {
      await promises.rm(this.#kept.shift() as string, { force: true });
      this.#removed++;
    }
  }

  #miss(count: number): void {
    this.#missed += count;
    this.#untold += count;
  }

  #giveUp(lines: readonly WaitingLine[]): void {
    for (const { tells } of lines) {
      if (tells === undefined) this.#miss(1);
      else this.#untold += tells;
    }
  }

  #failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.logger.error(
      `can't write to ${this.#kept.at(-1)}: ${describeError(error)}; what comes is counted as missed`,
    );
  }

  #recovered(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#options.logger.info(`writing again; missed so far: ${this.#missed}`);
  }

  async #rest(): Promise<void> {
    if (this.#closing) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** For the user alone: what is recorded is nobody else's business. */
async function createFile(path: string): Promise<promises.FileHandle> {
  try {
    return await promises.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new FileFailure(`${path} is there already, and stays as it is: name another file`, true);
    }
    throw new FileFailure(`can't create ${path}: ${describeError(error)}`);
  }
}
