/** A fenced block of code in a Markdown file. */
export interface CodeBlock {
  /** Line of its opening fence, counted from 1. */
  readonly line: number;
  /** The first word after the fence: `ts`, `sh`, … Empty when there is none. */
  readonly language: string;
  readonly lines: readonly string[];
  /** The file that the comment before the block names: `<!-- excerpt: examples/src/core-only.ts -->`. */
  readonly source: string | undefined;
  /** Whether the comment `<!-- prints -->` stands before it: it is what the commands before it print. */
  readonly prints: boolean;
}

const FENCE = /^\s*(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const EXCERPT = /^\s*<!--\s*excerpt:\s*(\S+)\s*-->\s*$/;
const PRINTS = /^\s*<!--\s*prints\s*-->\s*$/;

/** The fenced blocks of a Markdown file, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let source: string | undefined;
  let prints = false;
  let open: (CodeBlock & { readonly fence: string; readonly lines: string[] }) | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (open) {
      if (isClosing(text, open.fence)) {
        blocks.push(open);
        open = undefined;
      } else {
        open.lines.push(text);
      }
      continue;
    }
    const [, fence, language = ''] = FENCE.exec(text) ?? [];
    if (fence !== undefined) {
      open = { line: index + 1, language: language.toLowerCase(), fence, source, prints, lines: [] };
      source = undefined;
      prints = false;
    } else if (text.trim() !== '') {
      // The comment belongs to the block that follows; blank lines may stand between.
      source = EXCERPT.exec(text)?.[1];
      prints = PRINTS.test(text);
    }
  }
  // A fence that is never closed runs to the end of the file (CommonMark, section 4.5).
  return open ? [...blocks, open] : blocks;
}

/** A closing fence is at least as long as the opening one (CommonMark, section 4.5). */
function isClosing(text: string, fence: string): boolean {
  const line = text.trim();
  return line.length >= fence.length && [...line].every((character) => character === fence[0]);
}
