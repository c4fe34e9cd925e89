import type { CodeBlock } from './code-blocks.js';

/** What must be quoted from a file that is compiled, loaded or run: everything but commands and output. */
const CODE = ['ts', 'typescript', 'mts', 'tsx', 'js', 'javascript', 'mjs', 'cjs'];
const QUOTED = new Set([...CODE, 'json', 'jsonc', 'json5', 'yaml', 'yml']);
const COMMANDS = new Set(['sh', 'bash', 'shell', 'console']);

/**
 * Why a block is not true, or `undefined` when it is: a ts, js, json or yaml block is a run of consecutive lines of the file
 * that the comment before it names. Indentation that all of its lines share does not count.
 *
 * @param read gives the content of a file of the repository, or `undefined` when there is none
 */
export function excerptFault(block: CodeBlock, read: (path: string) => string | undefined): string | undefined {
  const { language, source } = block;
  const excerpt = trimmed(block.lines);
  if (language === '') return 'a block names its language: ts, json, sh, …, or text for output';
  if (excerpt.length === 0) return `the ${language} block is empty`;
  if (COMMANDS.has(language) && source === undefined) return undefined;
  if (source === undefined) {
    if (!QUOTED.has(language)) return undefined;
    return `the ${language} block has no comment like <!-- excerpt: examples/src/core-only.ts --> before it`;
  }
  const content = read(source);
  if (content === undefined) return `there is no file ${source} to quote`;
  const lines = content.split('\n');
  const text = dedented(excerpt).join('\n');
  for (let start = 0; start + excerpt.length <= lines.length; start++) {
    if (dedented(lines.slice(start, start + excerpt.length)).join('\n') === text) return undefined;
  }
  return `the ${language} block is no excerpt of ${source}`;
}

/** Without the blank lines at both ends. */
function trimmed(lines: readonly string[]): readonly string[] {
  const filled = (line: string) => line.trim() !== '';
  return lines.slice(Math.max(0, lines.findIndex(filled)), lines.findLastIndex(filled) + 1);
}

function dedented(lines: readonly string[]): string[] {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const common = Math.min(...indents);
  return lines.map((line) => line.slice(common).trimEnd());
}
