import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sizeOfMessage } from './outbox.js';
import { PublishPlans } from './publish-plan.js';
import type { PublishPolicy } from './publish-policy.js';

const MESSAGE = { topic: '', payload: '', qos: 1, retain: false } as const;
const faultOf = (policy: unknown) => new PublishPlans(1).of(policy as PublishPolicy);

describe('the plan for a publish policy', () => {
  it('fills in what the policy does not say', () => {
    expect(new PublishPlans(2).of({})).toEqual({
      qos: 2,
      retain: false,
      expiryMs: undefined,
      userProperties: undefined,
      latest: false,
      throttleMs: undefined,
    });
  });

  it('has what the policy says', () => {
    const userProperties = Object.fromEntries([
      ['__proto__', 'x'],
      ['', ''],
    ]);
    const policy = { qos: 0, retain: true, expiryMs: 0.5, throttleMs: 1e10, onBacklog: 'latest' } as const;
    const plan = new PublishPlans(2).of({ ...policy, userProperties });
    expect(plan).toEqual({ qos: 0, retain: true, expiryMs: 0.5, throttleMs: 1e10, latest: true, userProperties });
    expect(Object.keys((plan as { userProperties: object }).userProperties)).toEqual(['__proto__', '']);
  });

  it('is made once for each policy, and does not change with it', () => {
    const plans = new PublishPlans(1);
    const policy = { qos: 2 as 0 | 2, userProperties: { a: 'b' } };
    const plan = plans.of(policy);
    policy.qos = 0;
    policy.userProperties.a = '\0';
    expect(plans.of(policy)).toBe(plan);
    expect(plan).toMatchObject({ qos: 2, userProperties: { a: 'b' } });
  });

  it.each<[unknown, string]>([
    [{ qos: 7 }, 'the publish policy of the rule: qos is 0, 1 or 2, not 7'],
    [{ qos: Number.NaN }, 'qos is 0, 1 or 2, not NaN'],
    [{ qos: '1' }, 'qos is 0, 1 or 2, not "1"'],
    [{ qos: null }, 'qos is 0, 1 or 2, not null'],
    [{ retain: 1 }, 'retain is true or false, not 1'],
    [{ expiryMs: 0 }, 'expiryMs is a number of ms above 0'],
    [{ expiryMs: Number.NaN }, 'expiryMs is a number of ms above 0'],
    [{ expiryMs: 2 ** 32 * 1_000 }, 'expiryMs is a number of ms above 0, and at most 4294967295000, not 4294967296000'],
    [{ throttleMs: -1 }, 'throttleMs is a number of ms above 0'],
    [{ throttleMs: Number.POSITIVE_INFINITY }, 'throttleMs is a number of ms above 0'],
    [{ onBacklog: 'newest' }, 'onBacklog is keep_all or latest, not "newest"'],
    [{ userProperties: { a: 1 } }, 'the user property "a" is a string, not 1'],
    [{ userProperties: { a: ['b'] } }, 'the user property "a" is a string, not a list'],
    [{ userProperties: { a: 'x\0' } }, 'the user property "a" is no text'],
    [{ userProperties: { ['x'.repeat(65_536)]: '' } }, 'is no text of at most 65535 bytes'],
    [{ userProperties: 'text' }, 'userProperties is an object, not "text"'],
    [{ userProperties: null }, 'userProperties is an object, not null'],
    [{ userProperties: 0 }, 'userProperties is an object, not 0'],
    [{ userProperties: ['a'] }, 'userProperties is an object, not an array'],
    [7, 'a publish policy is an object, not 7'],
    [null, 'a publish policy is an object, not null'],
    [
      Object.defineProperty({}, 'qos', {
        get() {
          throw new Error('a bug');
        },
      }),
      "the publish policy of the rule can't be read: a bug",
    ],
  ])('is refused in words: %j', (policy, words) => {
    expect(faultOf(policy)).toContain(words);
  });

  it('is legal or a fault in words, whatever a filter gives', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }), (junk) => {
        for (const policy of [junk, { qos: junk }, { retain: junk }, { userProperties: junk }, { expiryMs: junk }]) {
          const plan = faultOf(policy);
          if (typeof plan === 'string') continue;
          expect([0, 1, 2]).toContain(plan.qos);
          expect(plan.retain).toBeTypeOf('boolean');
          const { userProperties } = plan;
          expect(sizeOfMessage({ ...MESSAGE, userProperties })).toBeGreaterThanOrEqual(0);
          for (const value of Object.values(userProperties ?? {})) expect(value).toBeTypeOf('string');
        }
      }),
    );
  });
});
