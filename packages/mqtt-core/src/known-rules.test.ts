import { describe, expect, it } from 'vitest';
import { KnownRules } from './known-rules.js';

const ruleWith = (rateLimit: unknown) => ({ name: 'r', policy: { rateLimit } });
const look = (rateLimit: unknown) => new KnownRules((name) => name).look(ruleWith(rateLimit))?.policy?.rateLimit;

describe('a limit of the rate', () => {
  it.each([
    ['a number', 5],
    ['null', null],
    ['empty', {}],
    ['without a time', { messages: 1 }],
    ['for no message', { messages: 0, perMs: 1 }],
    ['for a part of a message', { messages: 1.5, perMs: 1 }],
    ['for no number of messages', { messages: Number.NaN, perMs: 1 }],
    ['for messages without an end', { messages: Number.POSITIVE_INFINITY, perMs: 1 }],
    ['for a number in text', { messages: '5', perMs: 1 }],
    ['in no time', { messages: 1, perMs: 0 }],
    ['in a time that has passed', { messages: 1, perMs: -1 }],
    ['in no number of ms', { messages: 1, perMs: Number.NaN }],
    ['for ever', { messages: 1, perMs: Number.POSITIVE_INFINITY }],
  ])('is a fault of its rule: %s', (_what, rateLimit) => {
    expect(() => look(rateLimit)).toThrow(/^lastRule r: policy\.rateLimit .*messages.*perMs/);
  });

  it('is what it was when it was looked at, and one for all rules that hold it', () => {
    const rateLimit = { messages: 2, perMs: 1_000 };
    const first = look(rateLimit);
    rateLimit.messages = Number.NaN;
    expect(first).toEqual({ messages: 2, perMs: 1_000 });
    expect(look(rateLimit)).toBe(first);
    expect(look({ messages: 2, perMs: 1_000 })).not.toBe(first);
  });
});
