import { matchesTopicFilter } from '@cstbox/mqtt-core';
import type { EventTarget } from '../dispatch.js';
import { Automaton } from './automaton.js';
import { type Language, type RuleLanguages, textsOf } from './languages.js';
import { preimage } from './preimage.js';
import type { InRule, OutRule } from './rules.js';
import type { Common } from './vocabulary.js';

/** Asks the rules themselves: what they do shows whether a finding is right. */
export class Replay {
  readonly #outbound: readonly OutRule[];
  readonly #inbound: readonly InRule[];
  readonly #listened: readonly string[] | undefined;

  constructor(outbound: readonly OutRule[], inbound: readonly InRule[], listened: readonly string[] | undefined) {
    this.#outbound = outbound;
    this.#inbound = inbound;
    this.#listened = listened;
  }

  /** The topic that a rule publishes an event on; `undefined`: it does not, or an earlier one decides. */
  publish(wanted: OutRule, event: string, channel: string): string | undefined {
    for (const each of this.#outbound) {
      if (!each.channels.includes(channel)) continue;
      const groups = each.rule.regex.match(event);
      const verdict = groups && each.rule.apply(groups);
      if (!verdict || 'why' in verdict) continue;
      if (each === wanted) return 'result' in verdict ? verdict.result.topic : undefined;
      if (!each.hasCondition) return undefined;
    }
    return undefined;
  }

  /** The events that a rule makes of a message; none: it does not come in, or an earlier one decides. */
  receive(wanted: InRule, topic: string): readonly EventTarget[] {
    if (this.#listened && !this.#listened.some((filter) => matchesTopicFilter(filter, topic))) return [];
    for (const each of this.#inbound) {
      const groups = each.rule.regex.match(topic);
      const verdict = groups && each.rule.apply(groups);
      if (!verdict || 'why' in verdict) continue;
      return each === wanted && 'result' in verdict ? verdict.result.events : [];
    }
    return [];
  }
}

/** How many texts are tried. */
const MAX_TRIES = 10;

/** For each of the rules an event that it publishes on the topic, if there are. */
export function showEvents(
  topic: string,
  of: readonly Language<OutRule>[],
  languages: RuleLanguages<OutRule>,
  replay: Replay,
  common: Common,
): { topic: string; events: string[] } | undefined {
  const target = textAutomaton(topic, common);
  const events = of.flatMap((language) => {
    for (const channel of language.rule.channels) {
      const marked = languages.effective(language, channel);
      const found = preimage(marked, language.outputs[0] ?? [], target, common.alphabet);
      for (const event of textsOf(found, MAX_TRIES, common)) {
        if (replay.publish(language.rule, event, channel) === topic) return [event];
      }
    }
    return [];
  });
  return events.length === of.length ? { topic, events } : undefined;
}

function textAutomaton(text: string, { alphabet }: Common): Automaton {
  const word = alphabet.word(text);
  const edges = word.map((letter, index) => new Map([[index + 1, alphabet.only(letter)]]));
  const finals = [...word.map(() => false), true];
  return new Automaton(alphabet.max, [...edges, new Map()], finals);
}
