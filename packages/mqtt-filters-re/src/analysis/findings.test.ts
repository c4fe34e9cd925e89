import { matchesTopicFilter } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REInboundFilter } from '../re-inbound-filter.js';
import { REOutboundFilter } from '../re-outbound-filter.js';
import { analyse } from './analysis.fixtures.js';
import { patternOver, textsOver } from './pattern.fixtures.js';

const EVENTS = textsOver('ab:\n', 5).filter((text) => /^.+:.+$/s.test(text));
const TOPICS = textsOver('ab/$', 4).filter((text) => text !== '');
const TIMEOUT_MS = 60_000;

type Rule = readonly [regex: string, topic: string];

/** Which of the rules decides about events: the index that its topic ends with. */
function decider(rules: readonly Rule[]) {
  const filter = new REOutboundFilter(rules);
  return (event: string): number => {
    const at = event.indexOf(':');
    const topic = filter.getMqttTopic(0, event.slice(0, at), event.slice(at + 1), {});
    return topic === null ? -1 : Number(topic.slice(1));
  };
}

describe('what is found about outbound rules', { timeout: TIMEOUT_MS }, () => {
  it('is what the rules do, text by text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(patternOver(':', ['(?<!^a)']), { minLength: 2, maxLength: 3 }), async (patterns) => {
        const rules = patterns.map((each, index): Rule => [each, `t${index}`]);
        const findings = await analyse({ outbound: rules });
        expect(findings.map(({ code }) => code)).not.toContain('incomplete');
        const decides = decider(rules);
        const decided = EVENTS.map(decides);
        for (const [index, rule] of rules.entries()) {
          const alone = decider([rule]);
          const own = findings.filter(({ path }) => path[3] === index);
          const codes = own.map(({ code }) => code);
          const isTaken = EVENTS.some(
            (text, at) => (decided[at] as number) < index && decided[at] !== -1 && alone(text) >= 0,
          );
          // What was found is so.
          if (codes.includes('unmatchable')) expect(EVENTS.some((text) => alone(text) >= 0)).toBe(false);
          if (codes.includes('shadowed')) expect(decided).not.toContain(index);
          for (const { example, message } of own) {
            if (example === undefined) expect(message).toMatch(/^not exact|can match its regex$/);
            else expect(alone(example)).toBe(index);
          }
          for (const { code, example } of own) {
            if (!['overlap', 'shadowed'].includes(code) || example === undefined) continue;
            expect(decides(example)).toBeLessThan(index);
          }
          // What is so was found.
          if (isTaken) expect(codes.some((code) => ['overlap', 'shadowed'].includes(code))).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('what is found about subscriptions', { timeout: TIMEOUT_MS }, () => {
  const level = fc.constantFrom('a', 'b', '', '+', '$a');
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/#'))
    .map(([levels, end]) => levels.join('/') + end)
    .filter((each) => each !== '');

  it('is what they bring, topic by topic', async () => {
    const rules = fc.array(patternOver('/'), { minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(
        rules,
        fc.array(filter, { maxLength: 3 }),
        fc.constantFrom('', '$share/g/'),
        async (regexes, filters, share) => {
          const inbound = regexes.map((regex) => [regex, [['a', 'b']]] as const);
          const listenedTopics = filters.map((each) => share + each);
          const findings = await analyse({ inbound, listenedTopics });
          const has = (code: string, path: string) =>
            findings.some((each) => each.code === code && each.path.join('.') === path);
          const accepted = inbound.map((rule) => {
            const alone = new REInboundFilter([rule]);
            const message = { payload: Buffer.of(), qos: 0, retain: false } as const;
            return new Set(
              TOPICS.filter((topic) => alone.acceptEvent(undefined as never, undefined, { ...message, topic })),
            );
          });
          for (const [index, each] of listenedTopics.entries()) {
            const isUsed = TOPICS.some(
              (topic) => matchesTopicFilter(each, topic) && accepted.some((topics) => topics.has(topic)),
            );
            if (isUsed) expect(has('dead_subscription', `listened_topics.${index}`)).toBe(false);
            // Filters without wildcards bring one topic, which is among those that were tried.
            else if (TOPICS.includes(each)) expect(has('dead_subscription', `listened_topics.${index}`)).toBe(true);
          }
          for (const [index, topics] of accepted.entries()) {
            const isFed = [...topics].some((topic) => listenedTopics.some((each) => matchesTopicFilter(each, topic)));
            if (isFed) expect(has('unfed_rule', `filters.inbound.rules.${index}`)).toBe(false);
            else if (listenedTopics.length === 0 && topics.size > 0)
              expect(has('unfed_rule', `filters.inbound.rules.${index}`)).toBe(true);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
