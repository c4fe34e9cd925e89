import { createRequire } from 'node:module';

type Library = typeof import('@jmespath-community/jmespath');

/**
 * Compiles a JMESPath expression into what gives the value that it finds; `null` or `undefined`: there is none.
 *
 * The library is loaded with the first expression: who has none pays nothing for it. What the compiled one throws comes of
 * the document: a function got a value of a type that it does not take, or the document is nested too deeply.
 *
 * @throws {SyntaxError} the expression is none, or calls a function that does not exist, or pads a text to a width that is not written in it
 */
export function compileJmespath(expression: string): (document: unknown) => unknown {
  const library = createRequire(import.meta.url)('@jmespath-community/jmespath') as Library;
  let syntax: ReturnType<Library['compile']>;
  try {
    syntax = library.compile(expression);
  } catch (error) {
    throw new SyntaxError((error as Error).message.replace(/^Syntax error: /, ''), { cause: error });
  }
  const nodes = nodesOf(syntax);
  for (const call of nodes.filter(({ type }) => type === 'Function')) {
    if (!library.isRegistered(`${call.name}`)) throw new SyntaxError(`there is no function ${call.name}()`);
    checkWidth(call);
  }
  // A name may also lead to what every JavaScript object inherits: that is nothing that the document says.
  const mayInherit = nodes.some(({ type, name }) => type === 'Field' && `${name}` in Object.prototype);
  return (document) => {
    const searched = mayInherit ? withoutPrototypes(document) : document;
    return library.TreeInterpreter.search(syntax, searched as Parameters<Library['search']>[0]);
  };
}

/** A part of an expression. */
interface SyntaxNode {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly value?: unknown;
  readonly children?: readonly SyntaxNode[];
}

function nodesOf(node: unknown): SyntaxNode[] {
  if (typeof node !== 'object' || node === null) return [];
  const isLiteral = (node as SyntaxNode).type === 'Literal';
  return [node, ...(isLiteral ? [] : Object.values(node).flatMap(nodesOf))];
}

/** Characters that a text may be padded to. */
const MAX_WIDTH = 1_024;

/** A width out of a document would let a few bytes become a text of any length. */
function checkWidth({ name, children = [] }: SyntaxNode): void {
  if (name !== 'pad_left' && name !== 'pad_right') return;
  const { type, value } = children[1] ?? {};
  if (type === 'Literal' && typeof value === 'number' && value <= MAX_WIDTH) return;
  throw new SyntaxError(
    `the width of ${name}() is a number up to ${MAX_WIDTH} that stands in the expression, as in \`8\``,
  );
}

/** The same document, of objects that inherit nothing. */
function withoutPrototypes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  const bare: Record<string, unknown> = Object.create(null);
  for (const [key, member] of Object.entries(value)) bare[key] = withoutPrototypes(member);
  return bare;
}
