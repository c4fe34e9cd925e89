import { subscriptionsOf } from '@cstbox/dbus-bus';
import {
  ConfigurationError,
  type ConfigurationProblem,
  matchesTopicFilter,
  type OutboundFilter,
  uniteTopicFilters,
} from '@cstbox/mqtt-core';
import { sectionsOf } from '../configuration-sections.js';
import type { LoadedGateway } from '../load-gateway.js';
import { harmless } from '../terminal.js';

/** Something that has to be allowed, a topic filter or a channel, and what asks for it. */
export interface Need {
  readonly what: string;
  /** Rules and keys of the configuration, each in a line without control characters. */
  readonly reasons: readonly string[];
}

/** What is needed beyond what filters say of themselves. */
export interface ExtraNeeds {
  /** Topic filters that filters publish on that don't say so. */
  readonly topics?: readonly string[];
  /** Channels that filters emit on that don't say so. */
  readonly channels?: readonly string[];
}

/** So much of a rule's name is shown. */
const MAX_NAME = 60;

/** The topic filters that the gateway has to be allowed to read: what it subscribes to. */
export function readTopics(loaded: LoadedGateway): readonly Need[] {
  const { configuration, inbound } = loaded;
  const { topics, warning } = subscriptionsOf(configuration, inbound);
  if (configuration.listened_topics) {
    return topics.map((topic, index) => ({
      what: withoutShare(topic),
      reasons: [at(loaded, ['listened_topics', index])],
    }));
  }
  if (warning !== undefined) throw located(loaded, [{ path: ['filters', 'inbound'], message: warning }]);
  return attribute(topics, rulesOf(loaded, 'inbound', 'topics'));
}

/**
 * The topic filters that the gateway has to be allowed to write: what its outbound filters publish on.
 *
 * @throws {ConfigurationError} a filter does not say what it publishes on, and nobody says it in its place
 */
export function writtenTopics(loaded: LoadedGateway, { topics: extra = [] }: ExtraNeeds): readonly Need[] {
  const { outbound } = loaded;
  if (extra.length === 0)
    demandKnown(loaded, 'outbound', (filter) => filter.publishedTopics, 'topics', '--topic FILTER');
  const known = uniteTopicFilters(outbound.flatMap(({ publishedTopics = [] }) => publishedTopics));
  return [...attribute(known, rulesOf(loaded, 'outbound', 'topics')), ...byHand(extra, '--topic')];
}

/** The channels of the bus that the gateway has to be allowed to hear. */
export function heardChannels(loaded: LoadedGateway): readonly Need[] {
  const { outbound } = loaded;
  const sections = placesOf(loaded, 'outbound');
  const channels = [...new Set(outbound.flatMap((filter) => filter.channels))];
  return channels.map((what) => ({
    what,
    reasons: outbound.flatMap((filter, index) => (filter.channels.includes(what) ? [at(loaded, sections[index])] : [])),
  }));
}

/**
 * The channels of the bus that the gateway has to be allowed to emit on for its inbound filters.
 *
 * @throws {ConfigurationError} a filter does not say where it emits, and nobody says it in its place
 */
export function emittedChannels(loaded: LoadedGateway, { channels: extra = [] }: ExtraNeeds): readonly Need[] {
  const { inbound } = loaded;
  if (extra.length === 0) demandKnown(loaded, 'inbound', (filter) => filter.emitsOn, 'channels', '--channel NAME');
  const known = [...new Set(inbound.flatMap(({ emitsOn = [] }) => emitsOn))];
  return [...attribute(known, rulesOf(loaded, 'inbound', 'channels')), ...byHand(extra, '--channel')];
}

interface RuleNeed {
  readonly what: string;
  readonly reason: string;
}

/** What the rules of a direction ask for; a filter that does not tell its rules apart asks as a whole. */
function rulesOf(loaded: LoadedGateway, direction: 'inbound' | 'outbound', need: 'topics' | 'channels'): RuleNeed[] {
  const sections = placesOf(loaded, direction);
  return loaded[direction].flatMap((filter, index) => {
    const section = sections[index] as readonly (string | number)[];
    const rules = filter.needsOfRules?.();
    if (rules) {
      return rules.flatMap(({ rule, index: number, [need]: asked }) => {
        if (asked.length === 0) return [];
        const reason = `${at(loaded, [...section, 'rules', number])}: ${shortened(rule)}`;
        return asked.map((what) => ({ what, reason }));
      });
    }
    const asked = direction === 'outbound' ? (filter as OutboundFilter).publishedTopics : undefined;
    return (asked ?? []).map((what) => ({ what, reason: at(loaded, section) }));
  });
}

/** Each of what is needed with who asks for it. */
function attribute(needed: readonly string[], rules: readonly RuleNeed[]): Need[] {
  const reasons = new Map<string, string[]>(needed.map((what) => [what, []]));
  for (const { what, reason } of rules) {
    const same = reasons.get(what);
    const covering = same ? [same] : needed.filter((each) => covers(each, what)).map((each) => reasons.get(each));
    for (const list of covering) list?.push(reason);
  }
  return [...reasons].map(([what, list]) => ({ what, reasons: [...new Set(list)] }));
}

function covers(wide: string, narrow: string): boolean {
  return (wide.endsWith('#') || !narrow.endsWith('#')) && matchesTopicFilter(wide, narrow);
}

function byHand(extra: readonly string[], option: string): Need[] {
  return extra.map((what) => ({ what, reasons: [`${option} on the command line`] }));
}

function demandKnown<D extends 'inbound' | 'outbound'>(
  loaded: LoadedGateway,
  direction: D,
  known: (filter: LoadedGateway[D][number]) => readonly string[] | undefined,
  what: string,
  option: string,
): void {
  const sections = placesOf(loaded, direction);
  const problems = loaded[direction].flatMap((filter: LoadedGateway[D][number], index) => {
    if (known(filter) !== undefined) return [];
    const message = `the ${direction} filter ${filter.name} does not say which ${what} it needs: name them all with ${option}`;
    return [{ message, path: sections[index] as readonly (string | number)[] }];
  });
  if (problems.length > 0) throw located(loaded, problems);
}

function placesOf({ file }: LoadedGateway, direction: 'inbound' | 'outbound'): (readonly (string | number)[])[] {
  return sectionsOf(file)[direction].map(({ path }) => path);
}

/** Where something stands in the configuration: `filters.outbound.rules[3] (line 15)`. */
function at({ file }: LoadedGateway, path: readonly (string | number)[] = []): string {
  const keys = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return `${keys.slice(1)} (line ${file.place(path).line})`;
}

function located({ file }: LoadedGateway, problems: readonly ConfigurationProblem[]): ConfigurationError {
  return file.locate(new ConfigurationError(problems));
}

function shortened(name: string): string {
  const text = harmless(name);
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME)}…` : text;
}

function withoutShare(topic: string): string {
  return topic.replace(/^\$share\/[^/]*\//, '');
}
