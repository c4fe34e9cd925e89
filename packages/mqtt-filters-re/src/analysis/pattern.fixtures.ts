import fc from 'fast-check';
import { compileRegex } from '../python-regex.js';
import { translate } from '../regex-translator.js';

const AROUND = ['(?=a)', '(?!b)', '(?!ab$)', '(?<=a)', '(?<!b)', '(?=.*b)', '(?!.*b)', '\\b', '\\B', '$', '^'];

/**
 * Small patterns with everything that a regular pattern may have, over `a`, `b` and a separator; some with what only an
 * approximation stands for.
 */
export function patternOver(separator: string, more: readonly string[] = []): fc.Arbitrary<string> {
  const plain = ['a', 'b', separator, '.', '[ab]', '[^a]', '\\w', '\\W', `a${separator}b`];
  const simple = fc.constantFrom(...plain, ...plain, ...AROUND, ...more);
  const inner = row(repeated(simple), 3);
  const group = fc.oneof(
    fc.tuple(inner, inner).map(([a, b]) => `(?:${a}|${b})`),
    inner.map((each) => `(${each})`),
  );
  const piece = repeated(fc.oneof({ weight: 3, arbitrary: simple }, { weight: 1, arbitrary: group }));
  return row(piece, 4).filter(loads);
}

/** Nothing repeats an assertion. */
function repeated(atom: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(atom, fc.constantFrom('', '', '', '*', '+', '?', '{2}', '*?'))
    .map(([each, times]) => (times === '' || /^(\\[bB]|\$|\^)$/.test(each) ? each : `(?:${each})${times}`));
}

function row(piece: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> {
  return fc.array(piece, { minLength: 1, maxLength }).map((pieces) => pieces.join(''));
}

const TEXTS = textsOver('ab:/', 5);

/**
 * One that refers to a group which is not there, or not closed, does not load. And V8 has a fault with the flag v: in
 * Node.js 20, (?:[^a]a|a)+a does not match "a:aa". Whoever matches by it is not to be measured by such a pattern.
 */
function loads(pattern: string): boolean {
  try {
    const regex = compileRegex(pattern);
    const other = new RegExp(`^(?:${translate(pattern).pattern})`, 'u');
    return TEXTS.every((text) => (regex.match(text) !== null) === other.test(text));
  } catch {
    return false;
  }
}

/** All texts over some characters, the shortest first. */
export function textsOver(characters: string, maxLength: number): string[] {
  const all = [''];
  for (const text of all) if (text.length < maxLength) all.push(...Array.from(characters, (each) => text + each));
  return all;
}
