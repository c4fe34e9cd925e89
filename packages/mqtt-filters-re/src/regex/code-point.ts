/** The code point that ends at a place of a text; -1 at its start. */
export function codePointBefore(text: string, at: number): number {
  if (at === 0) return -1;
  const last = text.charCodeAt(at - 1);
  const isLow = last >= 0xdc00 && last < 0xe000;
  const pair = isLow && at > 1 ? (text.codePointAt(at - 2) as number) : 0;
  return pair > 0xffff ? pair : last;
}

/** Whether two UTF-16 units at a place of a text are one code point. */
export function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}

/** A text with the case taken out, as Python's `re` does for references back: character by character. */
export function fold(text: string): string {
  let folded = '';
  // What becomes two characters in lower case becomes the first of them.
  for (const character of text) folded += String.fromCodePoint(character.toLowerCase().codePointAt(0) as number);
  return folded;
}
