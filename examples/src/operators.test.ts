import { describe, expect, it } from 'vitest';
import { announcedCode, canRunDocuments, missingPart, runDocument } from './testing/document-house.js';

/** What operators read, and what is run of it: every block of commands, in order, in a box of its own. */
const DOCUMENTS = ['docs/install.md', 'docs/troubleshooting.md', 'docs/commands.md'];

describe.skipIf(!canRunDocuments())('every command line in the documents for operators', () => {
  it.concurrent.for(DOCUMENTS)('%s does what it says', { timeout: 240_000 }, async (path) => {
    const blocks = await runDocument(path);
    const faults = blocks.flatMap(({ block, expected, output, code }) => {
      const at = `${path}:${block.line}`;
      const wanted = announcedCode(block);
      if (code !== wanted) return [`${at} ends with ${code} in place of ${wanted}; it printed:\n${output}`];
      const missing = expected && missingPart(expected, output);
      return missing === undefined ? [] : [`${at} does not print '${missing}'; it printed:\n${output}`];
    });
    expect(faults.join('\n')).toBe('');
    expect(blocks.length).toBeGreaterThan(0);
  });
});

describe('what a document says that is printed', () => {
  it.each([
    ['in its order', ['one', 'two'], 'zero\none\n\ntwo\n', undefined],
    ['but for numbers, columns and the ends of lines', ['10:05 21.5  x', 'y'], '9:59 3 x y\n', undefined],
    ['with gaps', ['one', '…', 'three …'], 'one\ntwo\nthree and more', undefined],
    ['and nothing that is not', ['one', 'four'], 'one\ntwo', 'four'],
    ['and not the other way round', ['two', '…', 'one'], 'one\ntwo', 'one'],
  ])('is looked for %s', (_what, expected, output, missing) => {
    expect(missingPart(expected, output)).toBe(missing);
  });
});
