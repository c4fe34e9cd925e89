import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type OutboundRule, REOutboundFilter } from '@cstbox/mqtt-filters-re';
import { obey } from './obey.js';
import type { RuleSetFigures } from './rules.js';
import { percentile, spread } from './statistics.js';

/** A set of rules in a process of its own, so that nothing of another one is compiled or in memory. */
export interface RuleSet {
  /** Loads so many rules, asks them about so many variables, and again. */
  measure(setting: { rules: number; variables: number }): Promise<RuleSetFigures>;
}

/** How often all variables are asked about again. */
const ROUNDS = 9;

/** Bytes of a topic at most, and texts as long that make some pattern or other try a lot. */
const LONGEST = 65_535;
const HOSTILE_TEXTS = ['a', 'ab', 'a/', '1', 'room0_', 'é'].flatMap((unit) =>
  ['', '!'].map((end) => unit.repeat(LONGEST).slice(0, LONGEST - end.length) + end),
);
/** Rules behind those that are measured: what a backtracking engine does not come back from. */
const HOSTILE_RULES: readonly OutboundRule[] = [
  '(?:a|ab|b)*(?:[^/]*/)*!x',
  '(.*)*:(?:(?!.*x).)*y',
  '[^:]*:(\\w+)+$',
  '[^:]*:.*(?:.*?/)*.*x$',
].map((regex) => [regex, 'hostile']);

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const rule = (index: number): OutboundRule => [
  `temperature:(?P<room>room${index})_(?P<n>\\d+)$`,
  'site/{room}/temperature/{n}',
];

obey<RuleSet>({
  async measure({ rules, variables }) {
    const set = Array.from({ length: rules }, (_, index) => rule(index));
    const names = Array.from({ length: variables }, (_, index) => `room${index % rules}_${index}`);
    const heapBefore = heapUsed();
    const start = performance.now();
    const filter = new REOutboundFilter(set);
    const loadMs = performance.now() - start;
    const first = new Float64Array(variables);
    for (const [index, name] of names.entries()) {
      const asked = performance.now();
      const topic = filter.getMqttTopic(0, 'temperature', name, {});
      first[index] = (performance.now() - asked) * 1_000;
      if (topic === null) throw new Error(`no rule of ${rules} for ${name}`);
    }
    const known = Array.from({ length: ROUNDS }, () => nsEach(filter, names));
    const heapBytes = heapUsed() - heapBefore;
    return {
      loadMs,
      firstUs: first[0] as number,
      p50Us: percentile(first, 50),
      p99Us: percentile(first, 99),
      maxUs: percentile(first, 100),
      knownNs: spread(known).median,
      heapBytes,
      hostileMs: longestHold(new REOutboundFilter([...set, ...HOSTILE_RULES])),
    };
  },
});

function nsEach(filter: REOutboundFilter, names: readonly string[]): number {
  const start = performance.now();
  for (const name of names) filter.getMqttTopic(0, 'temperature', name, {});
  return ((performance.now() - start) * 1e6) / names.length;
}

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** The longest that one of the hostile texts takes, the first time and later. */
function longestHold(filter: REOutboundFilter): number {
  let longest = 0;
  for (let round = 0; round < 3; round++) {
    for (const text of HOSTILE_TEXTS) {
      const start = performance.now();
      filter.getMqttTopic(0, 'temperature', text, {});
      longest = Math.max(longest, performance.now() - start);
    }
  }
  return longest;
}
