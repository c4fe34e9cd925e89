import { closeSync, constants, openSync, readSync } from 'node:fs';
import { reasonOf } from './tls-files.js';

/** Passwords and tokens have some bytes, keys some thousands. */
const MAX_BYTES = 64 * 1024;

/**
 * The text of a file that holds one secret, without the newline at its end.
 *
 * @param remedy what to do when it can't be read
 * @throws {Error} the file can't be read, is empty, too large, or no UTF-8
 */
export function readSecretFile(path: string, remedy: string): string {
  const bytes = readBytes(path, remedy);
  if (bytes.length > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes: is it the right file?`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw new Error(`${path} is no UTF-8 text`);
  }
  if (text === '') throw new Error(`${path} is empty: write into it what is to be kept there`);
  return text;
}

/**
 * The password that a file holds.
 *
 * @throws {Error} as {@link readSecretFile} does
 */
export function readPasswordFile(path: string): string {
  return readSecretFile(path, 'write the password into it, readable by the gateway alone');
}

/** One byte more than there may be, of a file that is larger. */
function readBytes(path: string, remedy: string): Buffer {
  let file: number | undefined;
  try {
    // A pipe that nobody writes to must not hold us up.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0));
  } catch (error) {
    throw new Error(`can't read ${path}: ${reasonOf(error)}: ${remedy}`, { cause: error });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
