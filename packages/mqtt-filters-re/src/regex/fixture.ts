import fc from 'fast-check';

/** Pieces of texts that patterns of {@link hostilePattern} are likely to match, or almost. */
export const scrapOfText = fc.constantFrom(
  ...['a', 'aa', 'ab', 'b', '1', '_', '/', ':', 'é', '🏠', '\n', ' ', 'A', '\ud800', '中', 'x'],
);

const character = fc.constantFrom(
  ...[
    'a',
    'b',
    '1',
    '/',
    ':',
    '.',
    '\\w',
    '\\d',
    '\\s',
    '\\W',
    '[^/]',
    '[a-z]',
    '[ab]',
    'é',
    '🏠',
    '[^\\W\\d]',
    '[\\w/]',
  ],
);
const quantifier = fc.constantFrom(...['', '', '*', '+', '?', '*?', '+?', '{2,}', '{1,3}', '{,20}', '{3}']);

/** Patterns with repetitions within repetitions, alternatives that overlap, looks and references back. */
export const hostilePattern = fc
  .letrec<{ node: string; sequence: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      { weight: 4, arbitrary: fc.tuple(character, quantifier).map((parts) => parts.join('')) },
      fc.constantFrom('\\b', '$', '\\1', '(?=.*x)', '(?<=a)', '(?!.*/x)'),
      fc.tuple(tie('sequence'), quantifier).map(([inside, times]) => `(${inside})${times}`),
      fc
        .tuple(tie('sequence'), tie('sequence'), quantifier)
        .map(([one, other, times]) => `(?:${one}|${other})${times}`),
      tie('sequence').map((inside) => `(?!${inside})`),
    ),
    sequence: fc.array(tie('node'), { maxLength: 4 }).map((nodes) => nodes.join('')),
  }))
  .sequence.chain((inside) => fc.constantFrom('', '(?i)', '(?s)').map((flags) => flags + inside));
