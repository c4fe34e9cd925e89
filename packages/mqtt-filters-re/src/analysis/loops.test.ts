import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InboundRule } from '../inbound-rule.js';
import { REInboundFilter } from '../re-inbound-filter.js';
import { REOutboundFilter } from '../re-outbound-filter.js';
import { analyse } from './analysis.fixtures.js';
import { textsOver } from './pattern.fixtures.js';

const EVENTS = textsOver('ab:', 4).filter((text) => /^.+:.+$/s.test(text));
const CHANNEL = 'control';

/** The real filters, one behind the other as on both buses. */
class Circle {
  readonly #outbound: REOutboundFilter;
  readonly #inbound: REInboundFilter;
  readonly #rules: readonly (readonly [regex: string, topic: string])[];

  constructor(outbound: readonly (readonly [regex: string, topic: string])[], inbound: readonly InboundRule[]) {
    this.#rules = outbound;
    this.#outbound = new REOutboundFilter(outbound);
    this.#inbound = new REInboundFilter(inbound);
  }

  publish(event: string): { rule: number; topic: string } | undefined {
    const at = event.indexOf(':');
    const topic = this.#outbound.getMqttTopic(0, event.slice(0, at), event.slice(at + 1), {}, CHANNEL);
    if (topic === null) return undefined;
    return {
      rule: this.#rules.findIndex((rule) => Array.isArray(rule) && rule[0] === this.#outbound.lastRule?.name),
      topic,
    };
  }

  receive(topic: string): string[] {
    const message = { topic, payload: Buffer.from('1'), qos: 0, retain: false } as const;
    const events = this.#inbound.acceptEvent(undefined as never, undefined, message) ?? [];
    return events.map(([event]) => {
      const { varType, varName } = event as { varType: string; varName: string };
      return `${varType}:${varName}`;
    });
  }

  /** Whether a rule publishes an event that comes from one that it published itself. */
  isLoop(event: string, rules: readonly number[] = []): boolean {
    const published = this.publish(event);
    if (!published) return false;
    if (rules.includes(published.rule)) return rules[0] === published.rule;
    const next = this.receive(published.topic);
    return next.some((each) => this.isLoop(each, [...rules, published.rule]));
  }
}

const atom = fc.constantFrom('a', 'b', '[ab]', '(?P<x>[ab])', '(?P<x>[ab:]+)', '(?P<y>a*)', '(?P<y>.)', '(?!b)');
const side = (first: string) => fc.array(atom, { minLength: 1, maxLength: 2 }).map((atoms) => first + atoms.join(''));
const distinct = (regex: string) => !/<x>.*<x>|<y>.*<y>/.test(regex);
const filled = (regex: string, text: string) =>
  text.replace(/[xy]/g, (name) => (regex.includes(`<${name}>`) ? `{${name}}` : 'a'));

const outRule = fc
  .tuple(side('a:'), fc.constantFrom('', '$'), fc.constantFrom('t/x', 't/y', 'x/y', 't/y/x', 't/a', 'xx', 'u/x'))
  .filter(([regex]) => distinct(regex))
  .map(([regex, end, topic]) => [regex + end, filled(regex, topic)] as const);
const inRule = fc
  .tuple(
    side('').chain((s) => fc.constantFrom('t/', 'u/', '.*/', '').map((head) => head + s)),
    fc.constantFrom('', '$'),
    fc.constantFrom('x', 'y', 'ax', 'xy', 'b'),
  )
  .filter(([regex]) => distinct(regex))
  .map(([regex, end, name]) => [regex + end, [['a', filled(regex, name), CHANNEL]]] as const);

describe('loops through the real filters', () => {
  it('are found, all of them, and nothing else is shown as one', { timeout: 120_000 }, async () => {
    const unique = { selector: ([regex]: readonly [string, ...unknown[]]) => regex, minLength: 1, maxLength: 2 };
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(outRule, unique), fc.uniqueArray(inRule, unique), async (outbound, inbound) => {
        const circle = new Circle(outbound, inbound as unknown as InboundRule[]);
        const findings = await analyse({ outbound, inbound, channels: [CHANNEL] });
        const loops = findings.filter(({ code }) => code === 'possible_tuple_loop');
        expect(findings.map(({ code }) => code)).not.toContain('incomplete');
        const looping = EVENTS.find((event) => circle.isLoop(event));
        if (looping !== undefined) expect(loops).not.toEqual([]);
        for (const { severity, example, message } of loops) {
          if (severity === 'warning') expect(message).toMatch(/^not exact/);
          else expect(circle.isLoop(example as string)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
