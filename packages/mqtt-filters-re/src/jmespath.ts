import { createRequire } from 'node:module';

type Library = typeof import('@jmespath-community/jmespath');

/**
 * Compiles a JMESPath expression into what gives the value that it finds; `null` or `undefined`: there is none.
 *
 * The library is loaded with the first expression: who has none pays nothing for it. What the compiled one throws comes of
 * the document: a function got a value of a type that it does not take, or the document is nested too deeply.
 *
 * @throws {SyntaxError} the expression is none, or calls a function that does not exist
 */
export function compileJmespath(expression: string): (document: unknown) => unknown {
  const library = createRequire(import.meta.url)('@jmespath-community/jmespath') as Library;
  let syntax: ReturnType<Library['compile']>;
  try {
    syntax = library.compile(expression);
  } catch (error) {
    throw new SyntaxError((error as Error).message.replace(/^Syntax error: /, ''), { cause: error });
  }
  const unknown = functionsOf(syntax).find((name) => !library.isRegistered(name));
  if (unknown !== undefined) throw new SyntaxError(`there is no function ${unknown}()`);
  return (document) => {
    const found: unknown = library.TreeInterpreter.search(syntax, document as Parameters<Library['search']>[0]);
    // A name may also lead to what every JavaScript object inherits: that is nothing that the document says.
    return typeof found === 'function' ? undefined : found;
  };
}

/** The functions that an expression calls. */
function functionsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { type, name } = node as { type?: unknown; name?: unknown };
  const inner = Object.values(node).flatMap(functionsOf);
  return type === 'Function' && typeof name === 'string' ? [name, ...inner] : inner;
}
