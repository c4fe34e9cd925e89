import { quote } from '../quote.js';
import { withoutMarkers } from './automaton.js';
import type { Findings } from './findings.js';
import { commonTexts, type Language, type RuleLanguages, textsOf } from './languages.js';
import { intersect } from './restrict.js';
import type { AnalysedRule } from './rules.js';
import type { Common } from './vocabulary.js';

/** How many texts are tried to show a finding: rules that can't be told exactly may not take the first. */
const MAX_TRIES = 20;

/** Reports rules that earlier ones leave nothing, or not everything, and rules that no text fits. */
export async function findShadows<R extends AnalysedRule & MatchingRule>(
  languages: RuleLanguages<R>,
  direction: 'outbound' | 'inbound',
  common: Common,
  findings: Findings,
): Promise<void> {
  const rules = languages.all.map(({ rule }) => rule);
  await findings.forEach(rules, `${direction} rules that earlier ones take everything from`, (rule, index) => {
    const language = languages.all[index] as Language<R>;
    const about = { rule: rule.name, path: rule.path };
    if (language.texts.isEmpty) {
      const texts = direction === 'outbound' ? 'no variable, as <varType>:<varName>,' : 'no topic of a message';
      const message = `this rule never applies: ${texts} can match its regex`;
      findings.add({ ...about, path: rule.regexPath, severity: 'warning', code: 'unmatchable', message });
      return;
    }
    const channels = rule.channels.length > 0 ? rule.channels : [undefined];
    const takers = [...new Set(channels.flatMap((channel) => languages.takers(language, channel)))];
    if (takers.length === 0) return;
    if (channels.every((channel) => languages.effective(language, channel).isEmpty)) {
      const example = firstOf(textsOf(language.texts, MAX_TRIES, common), (text) => matches(rule, text));
      const taking = takers.filter((taker) =>
        channels.some((channel) => takesSome(taker, language, channel, languages, common)),
      );
      const by = `${taking.length === 1 ? 'an earlier rule takes' : 'earlier rules take'} everything that it matches`;
      const message = `this rule never applies: ${by} (${names(taking)}); move it before ${taking.length === 1 ? 'that' : 'them'}, or remove it`;
      findings.add({ ...about, severity: 'warning', code: 'shadowed', message, ...(example && { example }) });
      return;
    }
    const earlier = takers[0] as Language<R>;
    const example = firstOf(
      commonTexts(language.texts, earlier.texts, MAX_TRIES, common),
      (text) => matches(rule, text) && matches(earlier.rule, text),
    );
    const isExact = example !== undefined || (language.isExact && earlier.isExact);
    const message = `${isExact ? '' : 'not exact: '}${quote(example ?? '')} and others go to an earlier rule (${names(takers)})`;
    const unsure = `not exact: some of what it matches may go to an earlier rule (${names(takers)})`;
    findings.add({
      ...about,
      severity: 'info',
      code: 'overlap',
      message: example === undefined ? unsure : message,
      ...(example !== undefined && { example }),
    });
  });
}

/** Whether an earlier rule takes texts of a rule itself, on a channel: what comes to it is not taken before. */
function takesSome<R extends AnalysedRule>(
  taker: Language<R>,
  language: Language<R>,
  channel: string | undefined,
  languages: RuleLanguages<R>,
  { alphabet }: Common,
): boolean {
  if (!languages.takers(language, channel).includes(taker)) return false;
  const coming = languages.effective(taker, channel);
  return !coming.isEmpty && !intersect(withoutMarkers(coming, alphabet.letters), language.texts).isEmpty;
}

/** A rule that can be asked. */
export interface MatchingRule {
  readonly rule: { readonly regex: { match(text: string): unknown } };
}

export function matches({ rule }: MatchingRule, text: string): boolean {
  return rule.regex.match(text) !== null;
}

/** The first that holds. */
export function firstOf<T>(all: Iterable<T>, holds: (each: T) => boolean): T | undefined {
  for (const each of all) if (holds(each)) return each;
  return undefined;
}

const MAX_NAMES = 3;

/** A few rules, for a message. */
export function names(languages: readonly Language<AnalysedRule>[]): string {
  const shown = languages.slice(0, MAX_NAMES).map(({ rule }) => rule.name);
  const more = languages.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
