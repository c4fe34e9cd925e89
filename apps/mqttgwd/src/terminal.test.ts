import { describe, expect, it } from 'vitest';
import { fitted, harmless, jsonLine, paintFor, wrap } from './terminal.js';

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

  it('is JSON without anything that a terminal obeys, and means the same', () => {
    const value = { text: 'a\x1b[2J\x7f\x9b31m\u2028\u202e\u{e0041}', degrees: '21 °C' };
    const line = jsonLine(value);
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u);
    expect(line).toContain('\\u009b31m');
    expect(line).toContain('21 °C');
    expect(JSON.parse(line)).toEqual(value);
    expect(jsonLine(['a\x9bb'], 0, (text) => text.replace('a\x9bb', '***'))).toBe('["***"]');
  });

  it('is fitted to a terminal line by line, and left alone elsewhere', () => {
    const text = `${'word '.repeat(20)}\n\x9bend`;
    expect(fitted(text, { isTTY: true, write() {} })).toMatch(/^.{1,80}\n {2}.{1,78}\n\\x9bend$/);
    expect(fitted(text, { write() {} })).toBe(text);
  });
});
