import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { publishOptionsFor } from './publish-options.js';

const MESSAGE = { topic: 't', payload: '', qos: 1, retain: true } as const;

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe('how a message of the outbox is published', () => {
  it.each([
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [59_001, 60],
    // The time passed between taking and sending; and a clock that was set back to 1970.
    [-5_000, 1],
    [2 ** 33 * 1_000, 2 ** 32 - 1],
  ])('tells the broker of %i ms that are left %i whole seconds', (left, seconds) => {
    const { properties } = publishOptionsFor({ ...MESSAGE, expiresAt: 1_000_000 + left }, false);
    expect(properties).toEqual({ messageExpiryInterval: seconds });
  });

  it('says that it is replayed beside the properties of the rule, which are not changed', () => {
    const userProperties = Object.freeze({ a: 'b', replayed: 'never' });
    const options = publishOptionsFor({ ...MESSAGE, userProperties }, true);
    expect(options).toEqual({ qos: 1, retain: true, properties: { userProperties: { a: 'b', replayed: 'true' } } });
    expect(publishOptionsFor({ ...MESSAGE, userProperties }, false).properties).toEqual({ userProperties });
    expect(publishOptionsFor(MESSAGE, true).properties).toEqual({ userProperties: { replayed: 'true' } });
    expect(publishOptionsFor(MESSAGE, false)).toEqual({ qos: 1, retain: true });
  });
});
