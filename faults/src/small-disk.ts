import { spawnSync } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const SIZE = '8m';
const BALLAST = 'ballast';

/** A file system of a few megabytes in memory, which can be filled to the last byte. Needs the right to mount. */
export class SmallDisk implements AsyncDisposable {
  private constructor(readonly directory: string) {}

  /** Resolves with `undefined` where this user may not mount. */
  static async mount(directory: string): Promise<SmallDisk | undefined> {
    await mkdir(directory, { recursive: true });
    const options = ['-t', 'tmpfs', '-o', `size=${SIZE},mode=755`, 'tmpfs', directory];
    const { status } = spawnSync('mount', options, { stdio: 'ignore' });
    return status === 0 ? new SmallDisk(directory) : undefined;
  }

  /** Leaves no byte free. */
  async fill(): Promise<void> {
    const file = await open(join(this.directory, BALLAST), 'a');
    try {
      for (let size = 1 << 20; size > 0; size >>= 1) {
        const block = Buffer.alloc(size);
        // A short write is none: the next, smaller one shows what is left.
        while (await file.write(block).then(({ bytesWritten }) => bytesWritten === size, isFull));
      }
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(join(this.directory, BALLAST), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    spawnSync('umount', ['-l', this.directory], { stdio: 'ignore' });
  }
}

function isFull(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOSPC') return false;
  throw error;
}
