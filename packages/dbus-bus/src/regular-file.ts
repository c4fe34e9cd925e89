import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * The content of a file. A pipe or a device is none: whoever reads one waits for somebody else, and all stands still meanwhile.
 *
 * @throws {Error} it can't be read, or is no file
 */
export function readRegularFile(path: string): Buffer {
  // Opening a pipe would wait too.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const kind = fstatSync(file);
    // That of a directory is said by reading it.
    if (!kind.isFile() && !kind.isDirectory()) throw new Error('it is a pipe or a device: name a file');
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
