import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocks } from './testing/code-blocks.js';
import { excerptFault } from './testing/excerpt-fault.js';

const ROOT = resolve(import.meta.dirname, '../..');

const inFolders = (folder: string, file: string) =>
  readdirSync(join(ROOT, folder)).map((name) => join(folder, name, file));
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...inFolders('packages', 'README.md'),
  ...inFolders('apps', 'README.md'),
  'examples/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].filter((path) => existsSync(join(ROOT, path)));

function read(path: string): string | undefined {
  const file = join(ROOT, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function faults(markdown: string): string[] {
  return codeBlocks(markdown).flatMap((block) => {
    const fault = excerptFault(block, read);
    return fault === undefined ? [] : [`line ${block.line}: ${fault}`];
  });
}

describe('the code in the documents', () => {
  it.for(documents)('%s quotes files that are compiled, loaded or run', (path) => {
    expect(faults(read(path) as string)).toEqual([]);
  });
});

describe('the rule for excerpts', () => {
  const block = (language: string, text: string, source?: string) =>
    `${source ? `<!-- excerpt: ${source} -->\n` : ''}\`\`\`${language}\n${text}\n\`\`\`\n`;
  const CORE_ONLY = 'examples/src/core-only.ts';
  const FILTER = `class Temperatures extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {`;

  it('takes a whole file, consecutive lines of it, and other indentation', () => {
    expect(faults(block('ts', read(CORE_ONLY) as string, CORE_ONLY))).toEqual([]);
    expect(faults(block('ts', FILTER, CORE_ONLY))).toEqual([]);
    expect(faults(block('ts', FILTER.replaceAll(/^/gm, '   '), CORE_ONLY))).toEqual([]);
  });

  it.each([
    [
      'text that is not in the file',
      block('ts', `${FILTER}\n    return null;`, CORE_ONLY),
      `no excerpt of ${CORE_ONLY}`,
    ],
    ['a file that is not there', block('ts', FILTER, 'examples/src/gone.ts'), 'no file examples/src/gone.ts'],
    ['code without a comment', block('json', '{}'), 'no comment like'],
    ['a configuration without a comment', block('yaml', 'qos: 1'), 'no comment like'],
    ['a block without a language', block('', '{}'), 'names its language'],
    ['an empty block', block('sh', ''), 'is empty'],
  ])('refuses %s', (_what, markdown, fault) => {
    expect(faults(`Some text.\n\n${markdown}`)).toEqual([expect.stringMatching(new RegExp(`^line [34]: .*${fault}`))]);
  });

  it('lets commands and output be', () => {
    expect(faults(block('sh', 'pnpm demo') + block('text', '12:00:00 out'))).toEqual([]);
  });

  it('gives a comment to the next block only', () => {
    expect(faults(block('ts', FILTER, CORE_ONLY) + block('ts', FILTER))).toHaveLength(1);
    expect(faults(`<!-- excerpt: ${CORE_ONLY} -->\nText between.\n${block('ts', FILTER)}`)).toHaveLength(1);
  });

  it('reads fences that are longer, of tildes, within lists or never closed', () => {
    expect(faults('````ts\n```\nx\n````\n')).toEqual([expect.stringContaining('line 1')]);
    expect(faults('~~~js\nx\n~~~\n')).toHaveLength(1);
    expect(faults('- item\n\n  ```ts\n  x\n  ```\n')).toHaveLength(1);
    expect(faults('```ts\nx\n')).toHaveLength(1);
  });
});
