import { describe, expect, it } from 'vitest';
import { Secrets } from './secrets.js';

const keep = (...values: string[]) => {
  const secrets = new Secrets();
  for (const value of values) secrets.add(value);
  return secrets;
};

describe('a secret', () => {
  it('does not pass, wherever it stands and how often', () => {
    const { redact } = keep('pl4nted', 's3cret.*');
    expect(redact('pl4nted, s3cret.* and pl4ntedpl4nted')).toBe('***, *** and ******');
    expect(redact('s3cretxx')).toBe('s3cretxx');
  });

  it('is known as JSON and URLs write it', () => {
    const { redact } = keep('a"b\\c d');
    for (const text of ['a"b\\c d', JSON.stringify('a"b\\c d'), JSON.stringify({ m: JSON.stringify('a"b\\c d') })]) {
      expect(redact(text)).not.toMatch(/a.*b.*c d/);
    }
    expect(redact('mqtt://u:a%22b%5Cc%20d@h')).toBe('mqtt://u:***@h');
    // As Python writes JSON.
    expect(keep('hünter2').redact('{"p": "h\\u00fcnter2"}')).toBe('{"p": "***"}');
  });

  it('that holds another one goes as a whole', () => {
    expect(keep('word', 'password-1').redact('password-1 word')).toBe('*** ***');
  });

  it('of less than four characters is not looked for', () => {
    expect(keep('abc', '').redact('abcd')).toBe('abcd');
  });
});
