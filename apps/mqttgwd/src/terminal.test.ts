import { describe, expect, it } from 'vitest';
import { harmless, paintFor, wrap } from './terminal.js';

describe('what is printed', () => {
  it('is coloured on a terminal only, and not where NO_COLOR is set', () => {
    const terminal = { isTTY: true, write() {} };
    expect(paintFor(terminal, {}).red('x')).toBe('\x1b[31mx\x1b[0m');
    expect(paintFor(terminal, { NO_COLOR: '1' }).red('x')).toBe('x');
    expect(paintFor({ write() {} }, {}).red('x')).toBe('x');
  });

  it('is broken at spaces, and words that are too long stay whole', () => {
    expect(wrap('aa bb cc', { width: 5 })).toBe('aa bb\ncc');
    expect(wrap('aa bb cc', { width: 5, indent: '  ' })).toBe('aa bb\n  cc');
    expect(wrap('a/very/long/topic b', { width: 5, indent: '  ' })).toBe('a/very/long/topic\n  b');
  });

  it('shows control characters in what strangers sent, and sends none to the terminal', () => {
    expect(harmless('a\x1b[2Jb\n\u2028\u202e')).toBe('a\\x1b[2Jb\\x0a\\u{2028}\\u{202e}');
    expect(harmless('é 21 °C')).toBe('é 21 °C');
  });
});
