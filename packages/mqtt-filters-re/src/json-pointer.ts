const SYNTAX = /^(?:\/(?:[^~/]|~[01])*)*$/;
const INDEX = /^(?:0|[1-9]\d*)$/;

/**
 * Compiles a JSON Pointer (RFC 6901) into what gives the value that it points to; `undefined`: there is none. The pointer
 * sees what the JSON says and nothing else: no `length`, nothing inherited.
 *
 * @throws {SyntaxError} when it is none
 */
export function compilePointer(pointer: string): (document: unknown) => unknown {
  if (!SYNTAX.test(pointer)) {
    throw new SyntaxError("a JSON Pointer is empty or starts with '/', as in '/a/b'; ~0 stands for ~ and ~1 for /");
  }
  const tokens = pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return (document) => {
    let value = document;
    for (const token of tokens) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return undefined;
      if (Array.isArray(value) && !INDEX.test(token)) return undefined;
      value = (value as Record<string, unknown>)[token];
    }
    return value;
  };
}
