import { createHash } from 'node:crypto';

/** No name that anybody gives is longer, in UTF-16 units. V8 looks at the content of a string of up to 16,383 when it hashes it. */
const MAX_LENGTH = 1_024;

/**
 * A key for a text that strangers choose, for maps that hold many: the same for the same text, and for no other. It is the text
 * itself, or for one of more than 1,024 UTF-16 units its SHA-256.
 *
 * V8 hashes long strings by their length alone, so that a look-up among those of one length compares them all; and a map that is
 * bounded by its number of keys holds much where each of them may be long.
 */
export function keyOf(text: string): string {
  // What begins as the keys of long texts do could be taken for one of these.
  if (text.length <= MAX_LENGTH && text.charCodeAt(0) !== 0) return text;
  // In UTF-8 all lone surrogates are the same.
  return `\0${createHash('sha256').update(text, 'utf16le').digest('base64')}`;
}
