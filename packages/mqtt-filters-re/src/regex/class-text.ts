/** What JavaScript gives a meaning to, outside classes and inside them with the flag `v`. */
const OUTSIDE = /[\^$\\.*+?()[\]{}|/]/u;
const INSIDE = /[\^$\\.*+?()[\]{}|/&\-!#%,:;<=>@`~]/u;

/** A character that stands for itself, outside a class. */
export function literal(codePoint: number): string {
  return escaped(codePoint, OUTSIDE);
}

/** A character that stands for itself inside a class. */
export function classLiteral(codePoint: number): string {
  return escaped(codePoint, INSIDE);
}

function escaped(codePoint: number, special: RegExp): string {
  // Two surrogates, one after the other, must not become one character.
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return `\\u{${codePoint.toString(16)}}`;
  return String.fromCodePoint(codePoint).replace(special, '\\$&');
}
