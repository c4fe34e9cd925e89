/**
 * Compiles the `pattern` of a JSON Schema, which is sought anywhere in a text.
 *
 * @throws {SyntaxError} the pattern is none
 */
export function linearRegExp(pattern: string): { test(text: string): boolean } {
  return new RegExp(pattern, 'u');
}
